/* SPDX-License-Identifier: MIT
 * fuzz cidr: three lines: blocks of proxies with blanks between them, the peer, X-Forwarded-For. A list holds what one of
 * its blocks holds; addresses come back as they are written; nothing that stands left of a client changes who it is.
 */
#include "fuzz.h"

#include "base/cidr.h"

const char fuzz_name[] = "cidr";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/cidr", NULL},
    {NULL, NULL},
};

enum { BLOCKS_MAX = 32, BLOCK_BYTES = 64 };

struct blocks {
    char text[BLOCKS_MAX][BLOCK_BYTES];
    const char *texts[BLOCKS_MAX];
    struct cidr one[BLOCKS_MAX];
    size_t n;
};

static struct span take(struct span *from, char end)
{
    const char *at = from->n ? memchr(from->p, end, from->n) : NULL;
    struct span word = span_of(from->p, at ? (size_t)(at - from->p) : from->n);
    *from = span_skip(*from, word.n + (at != NULL));
    return word;
}

static void read_blocks(struct span line, struct blocks *b)
{
    while (line.n > 0 && b->n < BLOCKS_MAX) {
        struct span word = take(&line, ' ');
        struct why w = {""};
        if (word.n >= BLOCK_BYTES || (word.n && memchr(word.p, 0, word.n)))
            continue;
        if (cidr_parse(word, &b->one[b->n], &w) != ERR_OK) {
            bug_if(w.text[0] == 0);
            continue;
        }
        bug_if(memcmp(&b->one[b->n].first, &b->one[b->n].last, sizeof(struct address)) > 0);
        memcpy(b->text[b->n], word.p, word.n);
        b->text[b->n][word.n] = 0;
        b->texts[b->n] = b->text[b->n];
        b->n++;
    }
}

static void hold_membership(const struct blocks *b, const struct cidr_list *l, const struct address *a)
{
    bool in = false;
    for (size_t i = 0; i < b->n; i++)
        in = in || (memcmp(a, &b->one[i].first, sizeof *a) >= 0 && memcmp(a, &b->one[i].last, sizeof *a) <= 0);
    bug_if(cidr_list_has(l, a) != (in && address_known(a)));
}

static void hold_text(const struct address *a)
{
    char text[ADDRESS_TEXT_BYTES];
    struct address again;
    size_t n = address_format(a, text);
    bug_if(n >= sizeof text || text[n] != 0);
    if (address_known(a))
        bug_if(address_parse(span_of(text, n), &again) != ERR_OK || memcmp(&again, a, sizeof again) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span text = span_of((const char *)p, n);
    struct span line = take(&text, '\n'), who = take(&text, '\n');
    struct address peer = {{0}};
    struct cidr_list l;
    static struct blocks b;
    struct why w;
    b.n = 0;
    read_blocks(line, &b);
    bug_if(cidr_list_new(b.texts, b.n, &l, &w) != ERR_OK || l.n > b.n);
    (void)address_parse(who, &peer);
    struct address client = cidr_client(&l, peer, &text, 1);
    hold_membership(&b, &l, &peer);
    hold_membership(&b, &l, &client);
    hold_text(&peer);
    hold_text(&client);
    if (!cidr_list_has(&l, &client)) {
        struct span fields[2] = {SPAN_LIT("10.0.0.1, 2001:db8::1, garbage"), text};
        struct address spoofed = cidr_client(&l, peer, fields, 2);
        bug_if(memcmp(&spoofed, &client, sizeof client) != 0);
    } else {
        bug_if(!cidr_list_has(&l, &peer));
    }
    cidr_list_fini(&l);
    return 0;
}
