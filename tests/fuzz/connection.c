/* SPDX-License-Identifier: MIT
 * fuzz connection: any bytes as what a web server sends on a connection, through the screen and libfcgi as conn.c uses
 * them. In whatever pieces they arrive: the same requests, the same verdict, the same bytes of parameters and bodies; and
 * what the screen has passed, libfcgi takes. The first byte of an input is the size of the pieces (below 128) and
 * whether requests are answered before their bodies (128 and more).
 */
#include <stdlib.h>

#include "fuzz.h"
#include "intake/fcgi.h"
#include "intake/screen.h"

static void put_hex(struct span element, struct buf *out)
{
    struct json_iter it = json_iter(element);
    struct span what, hex;
    bug_if(!json_next_element(&it, &what) || !json_next_element(&it, &hex));
    hex = json_plain_string(hex);
    bug_if(!hex.p || hex.n % 2);
    for (size_t i = 0; i < hex.n; i += 2) {
        const char digits[3] = {hex.p[i], hex.p[i + 1], 0};
        buf_putc(out, (char)strtoul(digits, NULL, 16));
    }
}

const char fuzz_name[] = "connection";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/connection/requests.json", put_hex},
    {NULL, NULL},
};

enum { BODY_BYTES = 1 << 20 };

struct seen {
    enum screen_verdict last; /* HOSTILE, ABORT, or MORE when the bytes have ended */
    const char *why;
    unsigned heads, ends, nexts;
    uint64_t content; /* of all parameters and bodies, in order */
};

struct walk {
    struct screen screen;
    struct fcgi fcgi;
    struct span bytes;
    size_t at, done; /* screened; of that, taken */
    bool early, swallow;
    struct seen seen;
};

static void hold(struct walk *w, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w->seen.content = (w->seen.content ^ (uint8_t)p[i]) * UINT64_C(1099511628211);
}

static struct span untaken(const struct walk *w)
{
    return span_of(w->bytes.p + w->done, w->at - w->done);
}

static void begin(struct walk *w)
{
    size_t used;
    bug_if(fcgi_begin(&w->fcgi, untaken(w), &used) != ERR_OK || used > w->at - w->done);
    w->done += used;
    for (char **p = fcgi_params(&w->fcgi); *p; p++)
        hold(w, *p, strlen(*p) + 1);
    w->seen.heads++;
    if (!w->early)
        return;
    fcgi_drop(&w->fcgi);
    screen_answered(&w->screen);
    w->swallow = true;
}

static void take_body(struct walk *w, size_t n)
{
    static char body[BODY_BYTES];
    size_t used;
    bug_if(n > sizeof body || fcgi_read(&w->fcgi, untaken(w), body, n, &used) != ERR_OK || used > w->at - w->done);
    w->done += used;
    hold(w, body, n);
}

static void end(struct walk *w)
{
    size_t used;
    if (!w->swallow)
        bug_if(fcgi_read_end(&w->fcgi, untaken(w), &used) != ERR_OK);
    fcgi_drop(&w->fcgi);
    w->swallow = false;
    w->done = w->at;
    w->seen.ends++;
    screen_reset(&w->screen);
}

/* One piece, up to what the screen says of it. False: the connection is over. */
static bool step(struct walk *w, size_t piece)
{
    size_t room = w->bytes.n - w->at < piece ? w->bytes.n - w->at : piece, used, body;
    enum screen_verdict v = screen_feed(&w->screen, span_of(w->bytes.p + w->at, room), &used, &body, &w->seen.why);
    bug_if(used == 0 || used > room || body > used || (v == SCREEN_NEXT && !w->swallow));
    w->at += used;
    w->seen.last = v;
    if (v == SCREEN_HOSTILE || v == SCREEN_ABORT)
        return false;
    w->seen.last = SCREEN_MORE;
    w->seen.nexts += v == SCREEN_NEXT;
    if (v == SCREEN_NEXT)
        w->swallow = false;
    else if (v == SCREEN_HEAD)
        begin(w);
    else if (body > 0 && !w->swallow)
        take_body(w, body);
    if (v == SCREEN_END)
        end(w);
    else if (w->swallow || v == SCREEN_NEXT)
        w->done = w->at - screen_header_bytes(&w->screen);
    return true;
}

static struct seen walk(struct span bytes, size_t piece, bool early)
{
    struct walk w = {.bytes = bytes, .early = early, .seen = {.why = ""}};
    screen_reset(&w.screen);
    while (w.at < bytes.n && step(&w, piece))
        continue;
    fcgi_drop(&w.fcgi);
    return w.seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static bool ready;
    struct why w;
    bug_if(!ready && fcgi_init(&w) != ERR_OK);
    ready = true;
    if (n < 2 || n > BODY_BYTES)
        return 0;
    struct span bytes = span_of((const char *)p + 1, n - 1);
    bool early = p[0] & 0x80;
    struct seen whole = walk(bytes, bytes.n, early), pieces = walk(bytes, 1 + (p[0] & 0x7f), early);
    bug_if(whole.last != pieces.last || strcmp(whole.why, pieces.why) != 0 || whole.heads != pieces.heads ||
           whole.ends != pieces.ends || whole.nexts != pieces.nexts);
    /* A hostile end may come before all bytes of a body in front of it have been looked at. */
    bug_if(whole.last == SCREEN_MORE && whole.content != pieces.content);
    return 0;
}
