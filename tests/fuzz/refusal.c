/* SPDX-License-Identifier: MIT
 * fuzz refusal: any bytes as a line of rejected/, and what is read from it written again; any bytes as a name and as a place; any
 * bytes as the texts of a refused request, which must come back.
 */
#include "fuzz.h"
#include "base/codec.h"
#include "spool/refusal.h"

const char fuzz_name[] = "refusal";
const struct fuzz_source fuzz_sources[] = {{"tests/fuzz/corpus/refusal", NULL}, {NULL, NULL}};

enum { ROOM_BYTES = 1 << 24 };

static bool same(struct span a, struct span b)
{
    return span_eq(a, b) && !a.p == !b.p;
}

/* Written and read again it is the same. */
static void rewrite(const struct refusal *r)
{
    struct buf b, room;
    struct refusal again;
    buf_init(&b, ROOM_BYTES);
    buf_init(&room, ROOM_BYTES);
    refusal_put(&b, r);
    bug_if(b.failed || memchr(b.p, '\n', b.n) != b.p + b.n - 1);
    bug_if(refusal_parse(span_of(b.p, b.n - 1), &room, &again) != ERR_OK);
    bug_if(!same(again.body, r->body) || again.at_ms != r->at_ms || again.left_out != r->left_out);
    bug_if(r->url.p && utf8_valid(r->url) && !memchr(r->url.p, 0, r->url.n) && !same(again.url, r->url));
    buf_fini(&b);
    buf_fini(&room);
}

static void read_names(struct span text)
{
    enum err cause;
    uint64_t number;
    char name[REFUSAL_NAME_BYTES], at[REFUSAL_PLACE_BYTES];
    struct refusal_place place, again;
    if (refusal_name_parse(text, &cause, &number)) {
        refusal_name(name, cause, number);
        bug_if(!span_eq_str(text, name));
    }
    if (refusal_place_parse(text, &place)) {
        refusal_place_put(at, &place);
        bug_if(!refusal_place_parse(span_str(at), &again) || again.offset != place.offset || again.number != place.number);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span text = span_of((const char *)p, n);
    struct refusal r;
    struct buf room;
    buf_init(&room, ROOM_BYTES);
    if (refusal_parse(text, &room, &r) == ERR_OK) {
        struct span lists[] = {r.errors, r.headers};
        for (size_t i = 0; i < 2; i++) /* they are written as they are, on one line */
            if (lists[i].p && memchr(lists[i].p, '\n', lists[i].n))
                r.errors = r.headers = SPAN_NONE;
        rewrite(&r);
    }
    buf_fini(&room);
    read_names(text);
    rewrite(&(struct refusal){.request = text, .code = text, .detail = text, .url = text, .body = text, .left_out = 1});
    return 0;
}
