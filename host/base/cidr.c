/* SPDX-License-Identifier: MIT
 * cidr: see cidr.h. A block is a range of 17-byte addresses, so that a list is searched like words in a dictionary.
 */
#include "base/cidr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
enum { V4_BITS = 32, MAPPED_BITS = 96, V4 = 4, V6 = 6 };

static bool is_mapped(const uint8_t b[16])
{
    return memcmp(b, mapped, sizeof mapped) == 0;
}

/* As it is written; mapped ones are not changed yet. */
static enum err read_address(struct span s, struct address *out)
{
    char text[ADDRESS_TEXT_BYTES];
    struct address a = {{0}};
    if (s.n == 0 || s.n >= sizeof text || memchr(s.p, 0, s.n))
        return ERR_INVALID;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    a.b[0] = memchr(text, ':', s.n) ? V6 : V4;
    if (inet_pton(a.b[0] == V6 ? AF_INET6 : AF_INET, text, a.b + 1) != 1)
        return ERR_INVALID;
    *out = a;
    return ERR_OK;
}

static struct address unmapped(struct address a)
{
    struct address v4 = {{V4}};
    if (a.b[0] != V6 || !is_mapped(a.b + 1))
        return a;
    memcpy(v4.b + 1, a.b + 1 + sizeof mapped, 4);
    return v4;
}

enum err address_parse(struct span s, struct address *out)
{
    struct address a;
    const char *zone = s.n ? memchr(s.p, '%', s.n) : NULL;
    if (zone && zone + 1 < s.p + s.n && memchr(s.p, ':', (size_t)(zone - s.p)))
        s.n = (size_t)(zone - s.p);
    enum err e = read_address(s, &a);
    if (e == ERR_OK)
        *out = unmapped(a);
    return e;
}

size_t address_format(const struct address *a, char out[ADDRESS_TEXT_BYTES])
{
    static const char unknown[] = "unknown";
    if (!address_known(a) || !inet_ntop(a->b[0] == V6 ? AF_INET6 : AF_INET, a->b + 1, out, ADDRESS_TEXT_BYTES))
        memcpy(out, unknown, sizeof unknown);
    return strlen(out);
}

/* Bits from `from` up to the end, all to v. */
static void fill(struct address *a, unsigned from, bool v)
{
    unsigned bits = a->b[0] == V4 ? V4_BITS : IPV6_BITS;
    for (unsigned i = from; i < bits; i++) {
        uint8_t bit = (uint8_t)(0x80 >> i % 8);
        a->b[1 + i / 8] = v ? a->b[1 + i / 8] | bit : a->b[1 + i / 8] & (uint8_t)~bit;
    }
}

void address_truncate(struct address *a, unsigned ipv6_bits)
{
    unsigned whole = ipv6_bits / 8;
    if (a->b[0] != V6 || ipv6_bits >= IPV6_BITS)
        return;
    a->b[1 + whole] &= (uint8_t)~(0xff >> ipv6_bits % 8);
    memset(a->b + 2 + whole, 0, ADDRESS_BYTES - 2 - whole);
}

/* ---- blocks ---- */

/* Digits without zeros in front, up to max. */
static bool read_bits(struct span s, unsigned max, unsigned *out)
{
    unsigned v = 0;
    if (s.n == 0 || s.n > 3 || (s.n > 1 && s.p[0] == '0'))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s.p[i] - '0');
    }
    *out = v;
    return v <= max;
}

/* The block, or what should have been written for it. */
static enum err make_block(struct address a, unsigned bits, struct cidr *out, struct why *w)
{
    char text[ADDRESS_TEXT_BYTES];
    if (a.b[0] == V6 && is_mapped(a.b + 1) && bits >= MAPPED_BITS) {
        a = unmapped(a);
        bits -= MAPPED_BITS;
    }
    struct cidr c = {a, a};
    fill(&c.first, bits, false);
    fill(&c.last, bits, true);
    if (memcmp(&c.first, &a, sizeof a) != 0) {
        address_format(&c.first, text);
        return why_set(w, ERR_INVALID, "has bits behind its prefix: write %s/%u, or the address alone", text, bits);
    }
    *out = c;
    return ERR_OK;
}

enum err cidr_parse(struct span s, struct cidr *out, struct why *w)
{
    struct address a;
    const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
    if (read_address(slash ? span_of(s.p, (size_t)(slash - s.p)) : s, &a) != ERR_OK)
        return why_set(w, ERR_INVALID, "must be an address or a block such as 192.0.2.0/24 or 2001:db8::/32");
    unsigned most = a.b[0] == V4 ? V4_BITS : IPV6_BITS, bits = most;
    if (slash && !read_bits(span_skip(s, (size_t)(slash - s.p) + 1), most, &bits))
        return why_set(w, ERR_INVALID, "the prefix behind the slash must be 0 to %u", most);
    return make_block(a, bits, out, w);
}

/* ---- lists ---- */

static int by_first(const void *a, const void *b)
{
    return memcmp(&((const struct cidr *)a)->first, &((const struct cidr *)b)->first, sizeof(struct address));
}

/* Blocks nest or are apart: keep the outermost. */
static size_t merge(struct cidr *blocks, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct cidr *last = kept ? &blocks[kept - 1] : NULL;
        if (!last || memcmp(&blocks[i].first, &last->last, sizeof(struct address)) > 0)
            blocks[kept++] = blocks[i];
        else if (memcmp(&blocks[i].last, &last->last, sizeof(struct address)) > 0)
            last->last = blocks[i].last;
    }
    return kept;
}

enum err cidr_list_new(const char *const *texts, size_t n, struct cidr_list *out, struct why *w)
{
    struct cidr *blocks = calloc(n ? n : 1, sizeof *blocks);
    if (!blocks)
        return why_set(w, ERR_NO_MEMORY, "out of memory for a list of addresses");
    for (size_t i = 0; i < n; i++) {
        enum err e = cidr_parse(span_str(texts[i]), &blocks[i], w);
        if (e != ERR_OK) {
            free(blocks);
            return e;
        }
    }
    qsort(blocks, n, sizeof *blocks, by_first);
    *out = (struct cidr_list){blocks, merge(blocks, n)};
    return ERR_OK;
}

void cidr_list_fini(struct cidr_list *l)
{
    free(l->blocks);
    *l = (struct cidr_list){NULL, 0};
}

bool cidr_list_has(const struct cidr_list *l, const struct address *a)
{
    size_t from = 0, to = l->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (memcmp(a, &l->blocks[middle].first, sizeof *a) < 0)
            to = middle;
        else if (memcmp(a, &l->blocks[middle].last, sizeof *a) > 0)
            from = middle + 1;
        else
            return true;
    }
    return false;
}

/* ---- proxies ---- */

static bool all_digits(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0 && s.n <= 5;
}

/* 192.0.2.1, 192.0.2.1:443, 2001:db8::1, [2001:db8::1], [2001:db8::1]:443 */
static struct address parse_hop(struct span s)
{
    struct address a = {{0}};
    const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL, *bracket = s.n ? memchr(s.p, ']', s.n) : NULL;
    if (s.n && s.p[0] == '[' && bracket) {
        struct span behind = span_skip(s, (size_t)(bracket - s.p) + 1);
        if (behind.n == 0 || (behind.p[0] == ':' && all_digits(span_skip(behind, 1))))
            s = span_of(s.p + 1, (size_t)(bracket - s.p) - 1);
    } else if (colon && memchr(s.p, ':', s.n) == colon && all_digits(span_skip(s, (size_t)(colon - s.p) + 1))) {
        s.n = (size_t)(colon - s.p);
    }
    (void)address_parse(s, &a);
    return a;
}

/* Take the last element off the list; empty when there is none. */
static struct span take_last(struct span *list)
{
    struct span last = SPAN_LIT("");
    while (list->n > 0 && last.n == 0) { /* empty elements count for nothing (RFC 9110 section 5.6.1.2) */
        const char *comma = memrchr(list->p, ',', list->n);
        size_t at = comma ? (size_t)(comma - list->p) : 0;
        last = span_trim(span_skip(*list, at + (comma != NULL)));
        list->n = at;
    }
    return last;
}

struct address cidr_client(const struct cidr_list *proxies, struct address peer, const struct span *forwarded, size_t n)
{
    struct address at = peer;
    while (n-- > 0) {
        struct span rest = forwarded[n], hop;
        while (cidr_list_has(proxies, &at) && (hop = take_last(&rest)).n > 0)
            at = parse_hop(hop);
    }
    return at;
}
