/* SPDX-License-Identifier: MIT
 * cidr: addresses of clients, blocks of them, and which address a request came from when proxies stand in between. Knows
 * no request and no socket. Any thread; a list is immutable once it is made.
 */
#ifndef CREEL_BASE_CIDR_H
#define CREEL_BASE_CIDR_H

#include <stdint.h>
#include "base/err.h"
#include "base/span.h"

enum { ADDRESS_BYTES = 17, ADDRESS_TEXT_BYTES = 46, IPV6_BITS = 128 };

/* b[0]: 4, 6, or 0 for one that is not known; then the address in network order, zeros behind it: memcmp orders them.
 * An IPv4 address that is written as an IPv6 one (::ffff:192.0.2.1, RFC 4291 section 2.5.5.2) is the IPv4 address. */
struct address {
    uint8_t b[ADDRESS_BYTES];
};

static inline bool address_known(const struct address *a)
{
    return a->b[0] != 0;
}

/* An address as inet_pton(3) takes it; the zone behind an IPv6 one ("fe80::1%eth0") is left out. ERR_INVALID. */
enum err address_parse(struct span s, struct address *out);
/* RFC 5952; "unknown" for one that is not known. Returns the length; no terminator is counted, one is written. */
size_t address_format(const struct address *a, char out[ADDRESS_TEXT_BYTES]);
/* What is behind the first ipv6_bits of an IPv6 address becomes zero; others stay as they are. */
void address_truncate(struct address *a, unsigned ipv6_bits);

/* All addresses from first to last. */
struct cidr {
    struct address first, last;
};
/* "192.0.2.0/24", "2001:db8::/32", or one address (RFC 4632 section 3.1, RFC 4291 section 2.3). ERR_INVALID with the
 * reason, also when bits are set behind the prefix. ::ffff:0:0/96 and longer are IPv4 blocks; ::/0 holds no IPv4 address.
 */
enum err cidr_parse(struct span s, struct cidr *out, struct why *w);

/* Sorted, without overlaps. Zeroed: empty. */
struct cidr_list {
    struct cidr *blocks; /* owned */
    size_t n;
};
/* ERR_INVALID as above, ERR_NO_MEMORY; then *out is untouched. */
enum err cidr_list_new(const char *const *texts, size_t n, struct cidr_list *out, struct why *w);
void cidr_list_fini(struct cidr_list *l);
/* In logarithmic time. An address that is not known is in no list. */
bool cidr_list_has(const struct cidr_list *l, const struct address *a);

/* Whose request is it? peer: who connected to the web server. Unless it is among the proxies, it is the peer's, whatever
 * the fields say. Else forwarded, the values of the X-Forwarded-For fields in the order in which they came, are one list,
 * read from its right end: every proxy has put behind it who connected to it, so that the first that is no proxy of ours
 * is the client, and what stands left of it is the client's invention. An element is an address, in brackets or not, with
 * a port or without. If all are proxies, the leftmost; if one is no address, the client is not known. */
struct address cidr_client(const struct cidr_list *proxies, struct address peer, const struct span *forwarded, size_t n);

#endif
