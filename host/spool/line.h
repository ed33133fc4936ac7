/* SPDX-License-Identifier: MIT
 * line: the one codec of journal lines, creel-journal(5). A line is
 *     {"creel":"KIND", … members … [,"safe":"SEGMENT.OFFSET"],"crc":"xxxxxxxx"} LF
 * It starts with the token {"creel":" which cannot occur inside a JSON string and which nothing else in a line contains
 * (headers are arrays of pairs; a carried event has no "creel" member). crc is CRC32C in lower-case hex over every byte of the line
 * before the eight digits. The LF separates, it is not part of the line.
 * A line under construction ("unsealed") ends before ,"safe"/,"crc"; line_seal finishes it. Any thread.
 */
#ifndef CREEL_SPOOL_LINE_H
#define CREEL_SPOOL_LINE_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "spool/lifecycle.h"
#include "spool/pos.h"

enum kind {
#define X(name, word, who, what) KIND_##name,
#include "spool/kinds.tbl"
#undef X
    KIND_COUNT
};
const char *kind_name(enum kind k);

#define LINE_TOKEN "{\"creel\":\""
enum { LINE_FORMAT = 1, LINE_MAX_BYTES = 1 << 30, LINE_FUNCTIONS_MAX = 64, FUNCTION_NAME_BYTES = 128, TYPE_BYTES = 128 };

/* An accepted event. Absent spans are SPAN_NONE and are written as null. */
struct line_event {
    struct id id;
    int64_t received_ms;
    struct span source, type, version, event_id, order_key;
    struct span time;           /* when it happened, as the sender says */
    struct span request_id, method, path, remote, content_type;
    struct span key_id;         /* which key verified it; absent when unsigned */
    bool unsigned_source;       /* reaches only functions that name the source */
    bool synced;                /* durability */
    uint8_t dedupe[16];         /* the keyed hash that the duplicate index knows it by */
    bool has_dedupe;
    int64_t dedupe_until_ms;    /* when the index may forget it */
    struct span violation;      /* "CODE: reason": taken although it does not meet its contract; as a rule absent */
    struct span headers;        /* JSON text: [["name","value"],…], credentials already "…" */
    struct span body;           /* raw bytes */
};
struct line_function { /* one invocation's state, in carry */
    struct span name;
    enum state state;
    uint32_t attempts, interrupted, base; /* as in struct invocation */
    int64_t due_ms; /* 0: none */
    struct span why;
};
struct line_outcome {
    struct id id;
    struct span function;
    uint32_t attempt;
    int64_t at_ms, due_ms, run_ms; /* due_ms 0: none; run_ms how long it ran */
    enum outcome outcome;
    enum state state;   /* what the invocation is in now: done, waiting, dead, pending (interrupted) */
    struct span why;    /* for a person; may be absent */
    struct span output; /* the last of what the run printed, any bytes; may be absent */
    struct span reply;  /* what the function said, any bytes; may be absent */
};

/* Each appends one unsealed line to b (check b->failed). */
void line_put_segment(struct buf *b, uint32_t segment, int64_t at_ms, const uint8_t salt[16]);
void line_put_event(struct buf *b, const struct line_event *e);
void line_put_routed(struct buf *b, const struct id *id, int64_t at_ms, const struct span *functions, size_t n);
void line_put_attempt(struct buf *b, const struct id *id, struct span function, uint32_t attempt, int64_t at_ms, struct span generation);
void line_put_outcome(struct buf *b, const struct line_outcome *o);
/* event_line: what holds the event now, as it stands in the journal (sealed): its own line, or an earlier carry line. */
void line_put_carry(struct buf *b, int64_t at_ms, struct span event_line, const struct line_function *f, size_t n, bool routed);
void line_put_void(struct buf *b, uint32_t segment, uint32_t from, int64_t at_ms, const char *why);
void line_put_tombstone(struct buf *b, uint32_t segment, int64_t at_ms, const char *why);
/* quarantine: the fingerprint (quarantine_look) of what quarantine/ held when the writer began to read; 0: nothing. */
void line_put_checkpoint(struct buf *b, struct pos from, int64_t at_ms, uint32_t quarantine);
/* action: "replay", "drop" (id and function set), "hold", "resume" (function only). who: "uid:0". attempts: begun when it was
 * done, so that the same record written twice does nothing the second time; negative: not said. */
void line_put_action(struct buf *b, const char *action, const struct id *id, struct span function, int64_t at_ms, const char *who,
                     int32_t attempts);

/* Finish the unsealed line that begins at offset `from` of b: safe (may be NULL), crc, LF. */
void line_seal(struct buf *b, size_t from, const struct pos *safe);

/* The head of a line: what members.tbl lists; the members behind it (headers, body, output, …) are not looked at. Spans point
 * into the line; strings are the text between the quotes, still escaped where the writer had to. What a kind does not have is
 * zero. */
struct line {
    enum kind kind;
    struct span text;  /* the whole line without LF */
    struct span unsealed; /* the same before ,"safe" and ,"crc": what line_seal can finish anew */
    struct id id;      /* of the event, where there is one */
    bool has_id, has_safe, has_dedupe, has_attempts;
    bool routed;       /* carry */
    bool unsigned_source; /* event, carry */
    int64_t at_ms;     /* event: received */
    int64_t received_ms;  /* event, carry */
    struct pos safe;   /* the mark, when has_safe */
    struct pos from;   /* void, checkpoint */
    uint32_t format;   /* segment */
    uint32_t segment;  /* segment, void, tombstone */
    uint8_t salt[16];  /* segment */
    uint32_t attempt;  /* attempt, outcome; action: attempts, when has_attempts */
    uint32_t quarantine; /* checkpoint; 0: none */
    enum outcome outcome;
    enum state state;  /* outcome */
    int64_t due_ms;    /* outcome; 0 none */
    uint8_t dedupe[16];   /* event, carry; when has_dedupe */
    int64_t dedupe_until_ms;
    struct span source, type; /* event, carry */
    struct span violation;    /* event, carry; absent as a rule */
    struct span function; /* attempt, outcome, action; absent where null */
    struct span functions; /* routed: JSON array of strings; carry: JSON array of objects */
    struct span action;
    struct span event; /* event: the whole line; carry: the inner event object */
};

/* Is this span exactly one intact line (token, shape, checksum)? ERR_OK; ERR_CORRUPT; ERR_UNSUPPORTED: the checksum holds but
 * format or kind is unknown (a newer version wrote it: refuse to start). */
enum err line_parse(struct span text, struct line *out);
/* The checksum alone, for scanning. */
bool line_intact(struct span text);

/* The decoders below: strings that hold escapes are unescaped behind b's content, whose memory then backs those spans: they
 * live until b is written to again. ERR_CORRUPT, ERR_NO_ROOM (b's limit; the size of the line is always enough). */

/* The event inside an EVENT line or a CARRY line's inner object (line.event); body is decoded to its raw bytes. */
enum err line_event_decode(struct span event, struct buf *b, struct line_event *e);
/* One function state of a carry line (an element of line.functions). */
enum err line_function_decode(struct span object, struct buf *b, struct line_function *f);
/* An outcome line, whole; output is decoded to its raw bytes. */
enum err line_outcome_decode(struct span text, struct buf *b, struct line_outcome *o);

#endif
