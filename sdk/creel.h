/* SPDX-License-Identifier: MIT
 * creel.h: all that a function needs; creel.h(3) is its manual. A function is a shared object made with
 *
 *     cc -shared -fPIC $(pkg-config --cflags creel) -o order.paid.so paid.c
 *
 * There is nothing to link: every call goes through the table of function pointers that an invocation carries. The table
 * and the manifest grow at their ends only; each says its size, so old functions run on new hosts, and a host refuses a
 * function that needs more than it has. C11 and later; C++11 and later (members of CREEL_FUNCTION in declaration order).
 *
 * Strings and bytes that the host hands out live until the function returns. All calls but creel_log belong to the thread
 * that the function was called on.
 */
#ifndef CREEL_H
#define CREEL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#pragma GCC system_header /* members left out of CREEL_FUNCTION are meant to be left out */
extern "C" {
#endif

#define CREEL_ABI 1

#if defined(__GNUC__)
#define CREEL_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define CREEL_EXPORT __attribute__((visibility("default")))
#else
#define CREEL_PRINTF(text, first)
#define CREEL_EXPORT
#endif

/* What a function returns. Anything else is a retry. */
enum creel_result { CREEL_DONE = 0, CREEL_RETRY = 1, CREEL_REJECT = 2 };

enum creel_level { CREEL_DEBUG, CREEL_INFO, CREEL_WARN, CREEL_ERROR };

/* How its processes live: CREEL_POOL serves many runs each, CREEL_FORK gives every run a fresh process. */
enum creel_mode { CREEL_MODE_DEFAULT, CREEL_POOL, CREEL_FORK };

/* The selectors of the table below. Functions use the creel_* calls instead. */
enum creel_text {
    CREEL_TEXT_FUNCTION, CREEL_TEXT_EVENT_ID, CREEL_TEXT_SENDER_ID, CREEL_TEXT_SOURCE, CREEL_TEXT_TYPE, CREEL_TEXT_VERSION,
    CREEL_TEXT_ORDER_KEY, CREEL_TEXT_CONTENT_TYPE
};
enum creel_number {
    CREEL_NUMBER_ATTEMPT, CREEL_NUMBER_RECEIVED_MS, CREEL_NUMBER_DEADLINE_MS, CREEL_NUMBER_REMAINING_MS
};
enum creel_document { CREEL_BODY, CREEL_CONFIG };
enum creel_form { CREEL_FORM_STRING, CREEL_FORM_TEXT };

enum { CREEL_REPLY_BYTES = 64 * 1024 }; /* of a run's reply */

struct creel_invocation;

/* What the host offers. Grows at the end; `size` says how far it goes. */
struct creel_api {
    uint32_t size, abi;
    const char *(*text)(struct creel_invocation *in, enum creel_text which);
    int64_t (*number)(struct creel_invocation *in, enum creel_number which);
    const void *(*body)(struct creel_invocation *in, size_t *bytes);
    const char *(*header)(struct creel_invocation *in, const char *name);
    int (*header_at)(struct creel_invocation *in, size_t index, const char **name, const char **value);
    const char *(*json)(struct creel_invocation *in, enum creel_document doc, enum creel_form form, const char *pointer);
    long (*count)(struct creel_invocation *in, enum creel_document doc, const char *pointer);
    const char *(*secret)(struct creel_invocation *in, const char *name);
    void (*log)(struct creel_invocation *in, enum creel_level level, const char *format, va_list args);
    int (*end)(struct creel_invocation *in, int result, int64_t after_ms, const char *format, va_list args);
    int (*reply)(struct creel_invocation *in, const void *bytes, size_t n);
};

/* One run of a function for one event; or, in the hooks, no event at all: then texts are NULL and numbers 0. */
struct creel_invocation {
    const struct creel_api *api;
};

/* What a shared object exports, once, as `creel_manifest`: see CREEL_FUNCTION. Grows at the end. */
struct creel_manifest {
    uint32_t abi, size, api_size, reserved; /* filled in by CREEL_FUNCTION */
    int (*run)(struct creel_invocation *in);
    /* What you may set, in this order in C++. Each can be overridden by the sidecar, creel-function(7). */
    const char *name;      /* for people; the default is the file's name */
    const char *version;   /* of the function, for people */
    const char *types;     /* event types it wants, separated by spaces, '*' stands for anything; default: the file's name */
    const char *sources;   /* sources it trusts; unsigned sources reach only functions that name them */
    enum creel_mode mode;
    uint32_t timeout_ms;   /* 0: the host's default, here and below */
    uint32_t max_uses;     /* runs that one process serves */
    uint32_t concurrency;  /* runs at a time */
    int (*init)(struct creel_invocation *in);  /* once per process before its first run; CREEL_DONE or it is broken */
    void (*fini)(struct creel_invocation *in); /* once per process that ends in order */
};

extern CREEL_EXPORT const struct creel_manifest creel_manifest;

/* CREEL_FUNCTION(run, .types = "order.paid order.settled", .timeout_ms = 5000); once per shared object. */
#define CREEL_FUNCTION(...)                                                                                            \
    const struct creel_manifest creel_manifest = {.abi = CREEL_ABI,                                                    \
                                                  .size = sizeof(struct creel_manifest),                               \
                                                  .api_size = sizeof(struct creel_api),                                \
                                                  .reserved = 0,                                                       \
                                                  .run = __VA_ARGS__}

/* The event. Texts are NULL where there is none. */
static inline const char *creel_event_id(struct creel_invocation *in) /* ours: the same in every attempt, as in the answer */
{
    return in->api->text(in, CREEL_TEXT_EVENT_ID);
}
static inline const char *creel_sender_id(struct creel_invocation *in) /* what the sender calls it */
{
    return in->api->text(in, CREEL_TEXT_SENDER_ID);
}
static inline const char *creel_source(struct creel_invocation *in)
{
    return in->api->text(in, CREEL_TEXT_SOURCE);
}
static inline const char *creel_type(struct creel_invocation *in)
{
    return in->api->text(in, CREEL_TEXT_TYPE);
}
static inline const char *creel_version(struct creel_invocation *in)
{
    return in->api->text(in, CREEL_TEXT_VERSION);
}
static inline const char *creel_order_key(struct creel_invocation *in)
{
    return in->api->text(in, CREEL_TEXT_ORDER_KEY);
}
static inline const char *creel_content_type(struct creel_invocation *in)
{
    return in->api->text(in, CREEL_TEXT_CONTENT_TYPE);
}
/* The function's name: its file's, without .so. */
static inline const char *creel_function_name(struct creel_invocation *in)
{
    return in->api->text(in, CREEL_TEXT_FUNCTION);
}
/* 1 for the first attempt. */
static inline unsigned creel_attempt(struct creel_invocation *in)
{
    return (unsigned)in->api->number(in, CREEL_NUMBER_ATTEMPT);
}
/* Milliseconds since 1970: when the event came in, and when this run will be killed. */
static inline int64_t creel_received_ms(struct creel_invocation *in)
{
    return in->api->number(in, CREEL_NUMBER_RECEIVED_MS);
}
static inline int64_t creel_deadline_ms(struct creel_invocation *in)
{
    return in->api->number(in, CREEL_NUMBER_DEADLINE_MS);
}
/* Milliseconds that are left to this run; never below 0. */
static inline int64_t creel_remaining_ms(struct creel_invocation *in)
{
    return in->api->number(in, CREEL_NUMBER_REMAINING_MS);
}

/* The raw bytes that were verified; never NULL, not terminated. */
static inline const void *creel_body(struct creel_invocation *in, size_t *bytes)
{
    return in->api->body(in, bytes);
}
/* The first header of that name, whatever its case; NULL if there is none. Credentials read "…". */
static inline const char *creel_header(struct creel_invocation *in, const char *name)
{
    return in->api->header(in, name);
}
/* The headers one by one, from index 0, as they came; 0 behind the last. */
static inline int creel_header_at(struct creel_invocation *in, size_t index, const char **name, const char **value)
{
    return in->api->header_at(in, index, name, value);
}

/* Look into a JSON body by JSON pointer (RFC 6901). NULL, or -1, when the body is not JSON or nothing of that kind is
 * there. The body is checked once, at the first look. */
static inline const char *creel_json_string(struct creel_invocation *in, const char *pointer) /* strings only */
{
    return in->api->json(in, CREEL_BODY, CREEL_FORM_STRING, pointer);
}
static inline const char *creel_json_text(struct creel_invocation *in, const char *pointer) /* any scalar, as it was written */
{
    return in->api->json(in, CREEL_BODY, CREEL_FORM_TEXT, pointer);
}
static inline long creel_json_count(struct creel_invocation *in, const char *pointer) /* of elements or members */
{
    return in->api->count(in, CREEL_BODY, pointer);
}

/* The same for "config" of the sidecar. */
static inline const char *creel_config_string(struct creel_invocation *in, const char *pointer)
{
    return in->api->json(in, CREEL_CONFIG, CREEL_FORM_STRING, pointer);
}
static inline const char *creel_config_text(struct creel_invocation *in, const char *pointer)
{
    return in->api->json(in, CREEL_CONFIG, CREEL_FORM_TEXT, pointer);
}
static inline long creel_config_count(struct creel_invocation *in, const char *pointer)
{
    return in->api->count(in, CREEL_CONFIG, pointer);
}
/* A secret that the sidecar grants to this function; NULL if it does not. */
static inline const char *creel_secret(struct creel_invocation *in, const char *name)
{
    return in->api->secret(in, name);
}

/* A line in the host's log, with the event's id. At most 4096 bytes. Any thread, while the function runs. */
CREEL_PRINTF(3, 4)
static inline void creel_log(struct creel_invocation *in, enum creel_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    in->api->log(in, level, format, args);
    va_end(args);
}

/* What the run has to say to whoever raised the event: any bytes, copied, kept with the outcome of a run that ends with
 * CREEL_DONE. A second call replaces the first. -1, and nothing is changed: more than CREEL_REPLY_BYTES, out of memory, or in a
 * hook. */
static inline int creel_reply(struct creel_invocation *in, const void *bytes, size_t n)
{
    return in->api->reply(in, bytes, n);
}

/* How it ended, to be returned: `return creel_reject(in, "no order id");`. The reason is kept with the outcome. */
CREEL_PRINTF(2, 3)
static inline int creel_reject(struct creel_invocation *in, const char *format, ...) /* dead now, never again */
{
    va_list args;
    va_start(args, format);
    int result = in->api->end(in, CREEL_REJECT, -1, format, args);
    va_end(args);
    return result;
}
CREEL_PRINTF(2, 3)
static inline int creel_retry(struct creel_invocation *in, const char *format, ...) /* again, by the retry policy */
{
    va_list args;
    va_start(args, format);
    int result = in->api->end(in, CREEL_RETRY, -1, format, args);
    va_end(args);
    return result;
}
CREEL_PRINTF(3, 4)
static inline int creel_retry_after(struct creel_invocation *in, unsigned seconds, const char *format, ...) /* 30 days at most */
{
    va_list args;
    va_start(args, format);
    int result = in->api->end(in, CREEL_RETRY, (int64_t)seconds * 1000, format, args);
    va_end(args);
    return result;
}

#ifdef __cplusplus
}
#endif

#endif
