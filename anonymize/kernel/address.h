/* Address: IP addresses and networks become others of their family. See anonymize/ops.py. */

#ifndef ANONYMIZE_ADDRESS_H
#define ANONYMIZE_ADDRESS_H

#include "bytes.h"
#include "ff1.h"

typedef struct {
    Aes aes;
    unsigned network[2]; /* bits of a network, of IPv4 and of IPv6 */
    Ff1 first[2];        /* for what begins an address that has no prefix length; unused for less than 2 bits */
} Address;

/* 0 where a network is longer than an address. */
int address_prepare(Address *address, const uint8_t key[32], unsigned network_v4, unsigned network_v6);

/* What takes the value's place is appended to `out`. */
Fit address(const Address *address, const uint8_t *value, size_t length, Bytes *out, const char **why);

#endif
