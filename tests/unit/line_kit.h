/* SPDX-License-Identifier: MIT
 * line_kit: an event to write and lines to read back, for the tests of journal lines.
 */
#ifndef CREEL_TESTS_LINE_KIT_H
#define CREEL_TESTS_LINE_KIT_H

#include "suite.h"

#include <stdio.h>

#include "base/json.h"
#include "spool/line.h"

static const char id_text[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

static inline struct id an_id(void)
{
    struct id id;
    ck_assert_int_eq(id_parse(span_str(id_text), &id), ERR_OK);
    return id;
}

static inline struct line_event an_event(void)
{
    return (struct line_event){
        .id = an_id(),
        .received_ms = 1764072000123,
        .source = SPAN_LIT("shop"),
        .type = SPAN_LIT("order.created"),
        .event_id = SPAN_LIT("evt_1"),
        .request_id = SPAN_LIT("01ARZ3NDEKTSV4RRFFQ69G5FAW"),
        .method = SPAN_LIT("POST"),
        .path = SPAN_LIT("/hooks/shop?a=1"),
        .remote = SPAN_LIT("192.0.2.1"),
        .content_type = SPAN_LIT("application/json"),
        .key_id = SPAN_LIT("2026-11"),
        .synced = true,
        .dedupe = {1, 2, 3, 255},
        .has_dedupe = true,
        .dedupe_until_ms = 1764158400123,
        .headers = SPAN_LIT("[[\"content-type\",\"application/json\"],[\"authorization\",\"…\"]]"),
        .body = SPAN_LIT("{\"id\":7}"),
    };
}

/* Seal, and hand out the line without its LF. */
static inline struct span sealed(struct buf *b, const struct pos *safe)
{
    line_seal(b, 0, safe);
    ck_assert(!b->failed && b->n > 0 && b->p[b->n - 1] == '\n');
    ck_assert_ptr_null(memchr(b->p, '\n', b->n - 1));
    return span_of(b->p, b->n - 1);
}

static inline struct line parsed(struct span text)
{
    struct line l;
    ck_assert_msg(line_parse(text, &l) == ERR_OK, "%.*s", (int)text.n, text.p);
    ck_assert(line_intact(text));
    return l;
}

static inline struct buf a_buf(void)
{
    struct buf b;
    buf_init(&b, 1 << 24);
    return b;
}

#endif
