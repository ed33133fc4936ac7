/* SPDX-License-Identifier: MIT
 * log: lines on stderr, rate limited by message. Owns the table of recent messages, behind a lock. Any thread.
 */
#include "base/log.h"

#include <pthread.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/units.h"

static const char *const level_names[LOG_LEVELS] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

enum { MESSAGES = 64, TEXT_BYTES = 512 };

static struct {
    const char *role;
    enum log_format format;
    enum log_level least;
    pthread_mutex_t lock;
    struct recent {
        const char *msg; /* by address: messages are string literals */
        int64_t since_ms;
        unsigned count;
    } recent[MESSAGES];
} state = {.role = "creel", .least = LOG_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

void log_init(const char *role, enum log_format format, enum log_level least)
{
    state.role = role;
    state.format = format;
    state.least = least;
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
    return level >= state.least;
}

/* Count this message; false when it is to be held back. *held is how many were held back in the window that just ended. */
static bool let_through(const char *msg, int64_t now_ms, unsigned *held)
{
    struct recent *r = &state.recent[((uintptr_t)msg >> 3) % MESSAGES];
    *held = 0;
    if (r->msg != msg || now_ms - r->since_ms >= LOG_WINDOW_MS) {
        if (r->msg == msg && r->count > LOG_BURST)
            *held = r->count - LOG_BURST;
        *r = (struct recent){msg, now_ms, 1};
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

static void put_field(struct buf *b, const struct log_field *f)
{
    bool json = state.format == LOG_JSON;
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

void log_fields(enum log_level level, const char *msg, const struct log_field *fields, size_t n)
{
    if (!log_wants(level))
        return;
    int64_t now_ms = clock_wall_ms();
    unsigned held;
    pthread_mutex_lock(&state.lock);
    bool go = let_through(msg, now_ms, &held);
    pthread_mutex_unlock(&state.lock);
    if (!go)
        return;

    struct buf b;
    char time[RFC3339_BYTES];
    buf_init(&b, LOG_LINE_BYTES);
    rfc3339_format(now_ms, time);
    if (state.format == LOG_JSON)
        buf_putc(&b, '{');
    const struct log_field head[] = {LOG_S("time", span_of(time, sizeof time)), LOG_T("level", level_names[level]),
                                     LOG_T("proc", state.role), LOG_T("msg", msg)};
    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
        put_field(&b, &head[i]);
    for (size_t i = 0; i < n && b.n < LOG_LINE_BYTES - 64; i++) {
        size_t before = b.n;
        put_field(&b, &fields[i]);
        if (b.failed) { /* the field that does not fit is left out whole */
            b.n = before;
            b.failed = false;
            break;
        }
    }
    if (held)
        put_field(&b, &LOG_N("repeated", held));
    buf_puts(&b, state.format == LOG_JSON ? "}\n" : "\n");
    /* put_field begins with a separator; the first one is not wanted: '{' takes the place of ',' , text skips ' '. */
    if (state.format == LOG_JSON)
        b.p[1] = '{';
    if (b.n > 1) {
        ssize_t w = write(STDERR_FILENO, b.p + 1, b.n - 1);
        (void)w; /* nowhere left to say that the log cannot be written */
    }
    buf_fini(&b);
}
