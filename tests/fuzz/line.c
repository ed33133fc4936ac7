/* SPDX-License-Identifier: MIT
 * fuzz line: any bytes as a journal line, as they are and with a good checksum behind them, through all that reads
 * lines; and any bytes as the body and texts of an event, which must come back.
 */

#include "base/codec.h"
#include "base/json.h"
#include "spool/ledger.h"
#include "spool/line.h"
#include "fuzz.h"

const char fuzz_name[] = "line";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/line", NULL},
    {NULL, NULL},
};

enum { ROOM_BYTES = 1 << 24 };

/* The event of a line, written anew: the same event must be read from it. */
static void rewrite(const struct line_event *e)
{
    struct buf b, room;
    struct line l;
    struct line_event again;
    buf_init(&b, ROOM_BYTES);
    buf_init(&room, ROOM_BYTES);
    line_put_event(&b, e);
    line_seal(&b, 0, NULL);
    bug_if(b.failed || line_parse(span_of(b.p, b.n - 1), &l) != ERR_OK || l.kind != KIND_EVENT);
    bug_if(line_event_decode(l.event, &room, &again) != ERR_OK || !span_eq(again.body, e->body));
    bug_if(e->version.p && utf8_valid(e->version) && !span_eq(again.version, e->version));
    buf_fini(&b);
    buf_fini(&room);
}

static void read_line(struct span text)
{
    struct line l;
    struct line_event e;
    struct line_function f;
    struct line_outcome o;
    struct span object;
    struct buf room;
    if (line_parse(text, &l) != ERR_OK)
        return;
    buf_init(&room, ROOM_BYTES);
    if (l.event.p)
        (void)line_event_decode(l.event, &room, &e);
    (void)line_outcome_decode(text, &room, &o);
    for (struct json_iter it = json_iter(l.functions.p ? l.functions : SPAN_LIT("")); json_next_element(&it, &object);)
        (void)line_function_decode(object, &room, &f);
    buf_fini(&room);
    struct ledger *ledger = ledger_new(true);
    if (ledger)
        for (uint32_t i = 1; i < 3; i++)
            (void)ledger_apply(ledger, &l, (struct pos){1, i}, NULL);
    ledger_free(ledger);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span text = span_of((const char *)p, n);
    read_line(text);
    struct buf b;
    buf_init(&b, ROOM_BYTES);
    buf_puts(&b, LINE_TOKEN);
    buf_put_span(&b, text);
    line_seal(&b, 0, NULL);
    read_line(span_of(b.p, b.n - 1));
    buf_fini(&b);
    rewrite(&(struct line_event){.source = SPAN_LIT("s"), .type = SPAN_LIT("t"), .version = text, .body = text});
    return 0;
}
