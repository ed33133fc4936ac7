/* SPDX-License-Identifier: MIT
 * log: one line per transition on stderr, key=value or JSON by configuration, the same keys everywhere:
 * time level msg event source type function attempt state ms why trace (and others where they say something).
 * A line that repeats (same msg and level) more than LOG_BURST times in LOG_WINDOW_MS is held back and counted; the next
 * one let through carries `repeated`. Any thread; one write(2) per line. Never give it a secret or a body.
 */
#ifndef CREEL_BASE_LOG_H
#define CREEL_BASE_LOG_H

#include <stdint.h>
#include "base/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVELS };
enum log_format { LOG_TEXT, LOG_JSON };
enum { LOG_BURST = 1000, LOG_WINDOW_MS = 10000, LOG_LINE_BYTES = 4096 };

struct log_field {
    const char *key; /* static */
    struct span text; /* p != NULL: a string */
    int64_t number;   /* else a number */
};

#define LOG_S(k, span_value) ((struct log_field){(k), (span_value), 0})
#define LOG_T(k, cstr) LOG_S(k, span_str(cstr))
#define LOG_N(k, v) ((struct log_field){(k), {0}, (int64_t)(v)})

/* role: "creeld", "intake", "dispatch", "creel": the key `proc`. Call before threads start; again only for a reload,
 * with the same role. */
void log_init(const char *role, enum log_format format, enum log_level least);
/* The same by the words of the configuration ("json", "warn"); unknown ones mean text and info. */
void log_init_words(const char *role, const char *format, const char *level);
/* For tests: the clock that windows are measured by; NULL is the real one. */
void log_use_clock(int64_t (*mono_ms)(void));
bool log_wants(enum log_level level);
/* msg is static. A field whose text is absent (p == NULL, given by LOG_S/LOG_T with NULL) is printed as the number 0: give SPAN_LIT("") or
 * leave it out. Strings are escaped, cut at 512 bytes; a field that would take the line past LOG_LINE_BYTES
 * is left out whole. */
void log_fields(enum log_level level, const char *msg, const struct log_field *fields, size_t n);

#define log_line(level, msg, ...)                                                                                      \
    do {                                                                                                               \
        if (log_wants(level)) {                                                                                        \
            const struct log_field log_args_[] = {__VA_ARGS__};                                                        \
            log_fields((level), (msg), log_args_, sizeof log_args_ / sizeof log_args_[0]);                             \
        }                                                                                                              \
    } while (0)
/* The same without fields. */
#define log_msg(level, msg) log_fields((level), (msg), NULL, 0)

#endif
