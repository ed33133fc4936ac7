/* SPDX-License-Identifier: MIT
 * log: lines on stderr, rate limited by message. Owns the table of recent messages, behind a lock. Any thread.
 */
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/units.h"

static const char *const level_names[LOG_LEVELS] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

enum {
    MESSAGES = 64,
    PROBES = 4,
    TEXT_BYTES = 512,
    TAIL_BYTES = 64 /* kept free for `repeated` and the end of the line */
};

static struct {
    const char *role;
    _Atomic int format, least; /* a reload changes them while threads log */
    int64_t (*now_ms)(void);
    pthread_mutex_t lock;
    struct recent {
        const char *msg; /* by address: messages are string literals */
        enum log_level level;
        int64_t since_ms;
        unsigned count;
    } recent[MESSAGES + PROBES];
} state = {.role = "creel", .least = LOG_INFO, .now_ms = clock_mono_ms, .lock = PTHREAD_MUTEX_INITIALIZER};

void log_init(const char *role, enum log_format format, enum log_level least)
{
    if (strcmp(state.role, role) != 0) /* not written again by a reload, while threads read it */
        state.role = role;
    state.format = (int)format;
    state.least = (int)least;
}

void log_use_clock(int64_t (*mono_ms)(void))
{
    state.now_ms = mono_ms ? mono_ms : clock_mono_ms;
}

void log_init_words(const char *role, const char *format, const char *level)
{
    enum log_level least = LOG_INFO;
    for (int i = 0; i < LOG_LEVELS; i++)
        if (strcmp(level, level_names[i]) == 0)
            least = (enum log_level)i;
    log_init(role, strcmp(format, "json") == 0 ? LOG_JSON : LOG_TEXT, least);
}

bool log_wants(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&state.least, memory_order_relaxed);
}

/* The slot of this message, or the one that may best be given up for it. */
static struct recent *slot_of(const char *msg, enum log_level level)
{
    struct recent *first = &state.recent[((uintptr_t)msg >> 3) % MESSAGES], *oldest = first;
    for (struct recent *r = first; r < first + PROBES; r++) {
        if (r->msg == msg && r->level == level)
            return r;
        if (!r->msg || r->since_ms < oldest->since_ms)
            oldest = r;
    }
    return oldest;
}

/* Count this message; false when it is to be held back. *held is how many were held back in the window that just ended.
 */
static bool let_through(const char *msg, enum log_level level, int64_t now_ms, unsigned *held)
{
    struct recent *r = slot_of(msg, level);
    bool same = r->msg == msg && r->level == level;
    *held = 0;
    if (!same || now_ms - r->since_ms >= LOG_WINDOW_MS) {
        if (same && r->count > LOG_BURST)
            *held = r->count - LOG_BURST;
        *r = (struct recent){msg, level, now_ms, 1};
        return true;
    }
    return ++r->count <= LOG_BURST;
}

static bool plain(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return s.n > 0;
}

static void put_field(struct buf *b, bool json, const struct log_field *f)
{
    buf_puts(b, json ? ",\"" : " ");
    buf_puts(b, f->key);
    buf_puts(b, json ? "\":" : "=");
    struct span text = f->text;
    if (!text.p)
        buf_put_i64(b, f->number);
    else if (text.n > TEXT_BYTES)
        buf_put_json_text(b, span_of(text.p, TEXT_BYTES));
    else if (!json && plain(text))
        buf_put_span(b, text);
    else
        buf_put_json_text(b, text);
}

/* As many of the fields as fit, each whole or not at all. */
static void put_fields(struct buf *b, bool json, const struct log_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t before = b->n;
        put_field(b, json, &fields[i]);
        if (b->failed) {
            b->n = before;
            b->failed = false;
        }
    }
}

void log_fields(enum log_level level, const char *msg, const struct log_field *fields, size_t n)
{
    if (!log_wants(level))
        return;
    unsigned held;
    pthread_mutex_lock(&state.lock);
    bool go = let_through(msg, level, state.now_ms(), &held);
    pthread_mutex_unlock(&state.lock);
    if (!go)
        return;

    struct buf b;
    char time[RFC3339_BYTES];
    bool json = atomic_load_explicit(&state.format, memory_order_relaxed) == LOG_JSON;
    rfc3339_format(clock_wall_ms(), time);
    const struct log_field head[] = {LOG_S("time", span_of(time, sizeof time)), LOG_T("level", level_names[level]),
                                     LOG_T("proc", state.role), LOG_T("msg", msg)};
    const struct log_field repeated = LOG_N("repeated", held);
    buf_init(&b, LOG_LINE_BYTES - TAIL_BYTES);
    put_fields(&b, json, head, sizeof head / sizeof head[0]);
    put_fields(&b, json, fields, n);
    b.max_bytes = LOG_LINE_BYTES;
    put_fields(&b, json, &repeated, held > 0);
    buf_puts(&b, json ? "}\n" : "\n");
    if (b.n > 1 && !b.failed) {
        /* Every field begins with a separator; in front of the first one it is the place of the brace, or of nothing.
         */
        if (json)
            b.p[0] = '{';
        ssize_t w = write(STDERR_FILENO, b.p + !json, b.n - !json);
        (void)w; /* nowhere left to say that the log cannot be written */
    }
    buf_fini(&b);
}
