/* SPDX-License-Identifier: MIT
 * check_dispatch_damage: a journal filled by real runs, then damaged while everything is down. Whatever was hit, every event that
 * can still be read ends, what everybody reads out of the journal is the same, and quarantine/ has what was lost.
 */
#include "rig.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "disk.h"
#include "spool/fsck.h"
#include "spool/quarantine.h"

static struct rig r;

static void set_up(void)
{
    disk_reset();
    rig_init(&r, "");
    rig_drop(&r, "behave", "behave", "{\"mode\":\"pool\"}");
}

static void tear_down(void)
{
    rig_check_spool(&r); /* what was damaged is in quarantine: nothing else may be wrong */
    rig_fini(&r);
}

static void start(void)
{
    rig_start(&r);
    rig_until(&r, r.shared->dispatching);
}

/* Everything goes down, in order. */
static void stop(void)
{
    ck_assert_int_eq(rig_stop(&r), 0);
    journal_close(r.j);
    r.j = NULL;
}

/* The place of the first line of this kind about this event (NULL: about anything); its length. */
static struct pos find_line(enum kind kind, const struct id *id, uint32_t *n)
{
    struct reader *reader;
    struct line line;
    struct pos at, found = {0};
    struct why w;
    ck_assert_int_eq(reader_open(r.spool_fd, (struct pos){0}, NULL, NULL, &reader, &w), ERR_OK);
    while (!found.segment && reader_next(reader, NULL, &line, &at, &w) == ERR_OK)
        if (line.kind == kind && (!id || (line.has_id && id_cmp(&line.id, id) == 0))) {
            found = at;
            *n = (uint32_t)line.text.n;
        }
    reader_free(reader);
    ck_assert_msg(found.segment != 0, "there is no %s line", kind_name(kind));
    return found;
}

static void flip(struct pos at, unsigned bit)
{
    char path[RIG_PATH_BYTES + 64];
    unsigned char c;
    snprintf(path, sizeof path, "%s/journal/%012" PRIu32 ".jsonl", r.spool, at.segment);
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(pread(fd, &c, 1, at.offset), 1);
    c ^= (unsigned char)(1u << bit);
    ck_assert_int_eq(pwrite(fd, &c, 1, at.offset), 1);
    close(fd);
}

/* A bit in the middle of that line, and everything starts again. */
static struct pos damage(enum kind kind, const struct id *id)
{
    uint32_t n;
    stop();
    struct pos at = find_line(kind, id, &n);
    flip((struct pos){at.segment, at.offset + n / 2}, 0);
    rig_new_house(&r);
    ck_assert(quarantine_holds(r.spool_fd, at, n, (char[QUARANTINE_NAME_BYTES]){0}));
    return at;
}

static struct id done_event(void)
{
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    return id;
}

static bool story_has(const char *text)
{
    return r.story.n && memmem(r.story.p, r.story.n, text, strlen(text)) != NULL;
}

START_TEST(an_outcome_before_the_checkpoint)
{
    start();
    struct id id = done_event();
    stop();
    rig_new_house(&r);
    start(); /* so that it lies before the checkpoint that counts */
    (void)damage(KIND_OUTCOME, &id);
    rig_pump(&r);
    ck_assert_int_eq(rig_state(&r, &id), STATE_RUNNING);
    rig_watch(&r, &id);
    start();
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(rig_invocation(&r, &id)->attempts, 2);
    ck_assert(story_has("\"attempt\":1") && story_has("LOST") && story_has("\"attempt\":2"));
    ck_assert(rig_logged(&r, "reading the whole journal"));
    /* that damage has been seen to: the next start believes the checkpoint again */
    stop();
    ck_assert_int_eq(unlinkat(AT_FDCWD, r.log, 0), 0);
    rig_new_house(&r);
    start();
    struct id next = done_event();
    ck_assert(!rig_logged(&r, "reading the whole journal"));
    rig_until(&r, rig_state(&r, &next) == STATE_DONE);
    ck_assert_uint_eq(rig_invocation(&r, &id)->attempts, 2);
}
END_TEST

/* An outcome behind the place where a start begins, of an event before it. */
START_TEST(an_outcome_behind_an_unfinished_event)
{
    start();
    (void)rig_ask(&r, "{\"op\":\"hold\",\"function\":\"behave\"}");
    struct id first = rig_event(&r, "order.paid", "ok", "{}"), second = rig_event(&r, "order.paid", "retry", "{}");
    rig_until(&r, r.shared->stats[STAT_held] == 2);
    (void)rig_ask(&r, "{\"op\":\"resume\",\"function\":\"behave\"}");
    rig_until(&r, rig_state(&r, &first) == STATE_DONE && rig_state(&r, &second) == STATE_WAITING);
    (void)damage(KIND_OUTCOME, &first);
    start();
    rig_until(&r, rig_state(&r, &first) == STATE_DONE);
    ck_assert_uint_eq(rig_invocation(&r, &first)->attempts, 2);
}
END_TEST

START_TEST(damage_that_only_intake_saw)
{
    start();
    struct id id = done_event();
    stop();
    rig_new_house(&r);
    start();
    uint32_t n;
    struct pos at = find_line(KIND_OUTCOME, &id, &n);
    flip(at, 2);
    r.damaged = true;
    rig_new_pen(&r); /* intake alone was restarted: dispatch goes on, and its next checkpoints know nothing of it */
    (void)done_event();
    stop();
    rig_new_house(&r);
    rig_pump(&r);
    ck_assert_int_eq(rig_state(&r, &id), STATE_RUNNING);
    start();
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
}
END_TEST

START_TEST(an_attempt_whose_outcome_is_there)
{
    start();
    struct id id = done_event();
    (void)damage(KIND_ATTEMPT, &id);
    start();
    (void)done_event();
    ck_assert_int_eq(rig_state(&r, &id), STATE_DONE);
    ck_assert_uint_eq(rig_invocation(&r, &id)->attempts, 1);
}
END_TEST

START_TEST(a_routed_line_is_written_again)
{
    char path[256], text[ID_TEXT_BYTES];
    start();
    struct id done = done_event(), dead = rig_event(&r, "order.paid", "reject", "{}");
    rig_until(&r, rig_state(&r, &dead) == STATE_DEAD);
    id_format(&dead, text);
    snprintf(path, sizeof path, "dead/shop/order.paid/%.*s.behave.json", ID_TEXT_BYTES, text);
    rig_until(&r, rig_has(&r, path));
    (void)damage(KIND_ROUTED, &done);
    start();
    (void)damage(KIND_ROUTED, &dead);
    ck_assert_int_eq(unlinkat(r.spool_fd, path, 0), 0);
    start();
    (void)done_event();
    ck_assert_int_eq(rig_state(&r, &done), STATE_DONE);
    ck_assert_int_eq(rig_state(&r, &dead), STATE_DEAD);
    ck_assert(rig_invocation(&r, &done)->attempts == 1 && rig_invocation(&r, &dead)->attempts == 1);
    rig_until(&r, rig_has(&r, path));
}
END_TEST

START_TEST(an_event_that_had_not_ended)
{
    start();
    struct id id = rig_event(&r, "order.paid", "retry", "{}"), other = rig_event(&r, "order.paid", "retry", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_WAITING && rig_state(&r, &other) == STATE_WAITING);
    (void)damage(KIND_EVENT, &id);
    start();
    (void)done_event();
    ck_assert_ptr_null(ledger_find(r.ledger, &id));
    ck_assert_int_eq(rig_state(&r, &other), STATE_WAITING);
    rig_until(&r, r.shared->stats[STAT_unfinished] == 1);
}
END_TEST

/* No function ever sees an event that does not meet its contract, whatever is left of the lines that say so. */
START_TEST(a_violation_whose_end_is_lost)
{
    static const enum kind lost[] = {KIND_OUTCOME, KIND_ATTEMPT, KIND_ROUTED};
    start();
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++) {
        struct buf b;
        struct line_event e = {.id = id_new(clock_wall_ms()), .received_ms = clock_wall_ms(), .source = SPAN_LIT("shop"),
                               .type = SPAN_LIT("order.paid"), .headers = SPAN_LIT("[[\"Do\",\"ok\"]]"), .body = SPAN_LIT("{}"),
                               .violation = SPAN_LIT("schema-violation: \"/id\" is missing")};
        buf_init(&b, 4096);
        line_put_event(&b, &e);
        ck_assert_int_eq(journal_append(r.j, buf_span(&b), NULL, false), ERR_OK);
        buf_fini(&b);
        rig_commit(&r);
        rig_until(&r, rig_state(&r, &e.id) == STATE_DEAD);
        (void)damage(lost[i], &e.id);
        rig_watch(&r, &e.id);
        start();
        rig_until(&r, rig_state(&r, &e.id) == STATE_DEAD);
        (void)done_event();
        ck_assert_uint_eq(rig_invocation(&r, &e.id)->attempts, 1);
        ck_assert(!story_has("\"done\"") && !story_has("LOST"));
        ck_assert(i > 0 || story_has("schema-violation: \\\"/id\\\" is missing"));
    }
}
END_TEST

START_TEST(a_checkpoint_and_a_first_line)
{
    start();
    struct id id = done_event();
    (void)damage(KIND_CHECKPOINT, NULL);
    start();
    (void)damage(KIND_SEGMENT, NULL);
    start();
    (void)done_event();
    ck_assert_uint_eq(rig_invocation(&r, &id)->attempts, 1);
}
END_TEST

/* A bad sector under an unfinished event: everything else goes on, and it goes on itself when somebody has made it readable. */
START_TEST(a_part_that_the_disk_refuses)
{
    struct stat st;
    char command[3 * RIG_PATH_BYTES];
    pid_t ended = 0;
    start();
    struct id id = rig_event(&r, "order.paid", "retry", "{}"), done = done_event();
    rig_until(&r, rig_state(&r, &id) == STATE_WAITING);
    stop();
    rig_new_house(&r);
    ck_assert_int_eq(fstatat(r.spool_fd, "journal/000000000001.jsonl", &st, 0), 0);
    disk_obey((struct disk_plan){.bad_inode = st.st_ino, .bad_from = 300, .bad_bytes = 1, .free_part = 1});
    rig_start(&r); /* which keeps that disk */
    disk_obey(DISK_HEALTHY);
    struct id other = done_event();
    rig_until(&r, r.shared->stats[STAT_unfinished] == 0 && r.shared->stats[STAT_unread_bytes] > 0);
    ck_assert(strstr(rig_ask(&r, "{\"op\":\"status\"}"), "\"unread\":\"1."));
    snprintf(command, sizeof command, "cd '%s/journal' && cp 000000000001.jsonl copy && mv copy 000000000001.jsonl", r.spool);
    ck_assert_int_eq(system(command), 0);
    rig_until(&r, (ended = waitpid(r.pid, NULL, WNOHANG)) != 0);
    r.pid = 0;
    start();
    rig_until(&r, r.shared->stats[STAT_unfinished] == 1 && r.shared->stats[STAT_unread_bytes] == 0);
    ck_assert_int_eq(rig_state(&r, &id), STATE_WAITING);
    ck_assert(rig_invocation(&r, &done)->attempts == 1 && rig_invocation(&r, &other)->attempts == 1);
}
END_TEST

/* ---- anywhere ---- */

enum { EVENTS = 12, FLIPS = 3 };
static const char *const acts[] = {"ok", "ok", "ok", "reject", "retry"};

/* A place somewhere in the journal, and how long its segment is. */
static struct pos anywhere(unsigned *seed)
{
    uint32_t *segments = NULL;
    size_t n = 0;
    struct why w;
    char path[64];
    struct stat st = {0};
    struct pos at = {0};
    ck_assert_int_eq(reader_segments(r.spool_fd, &segments, &n, &w), ERR_OK);
    while (st.st_size == 0) {
        at.segment = segments[(unsigned)rand_r(seed) % n];
        snprintf(path, sizeof path, "journal/%012" PRIu32 ".jsonl", at.segment);
        ck_assert_int_eq(fstatat(r.spool_fd, path, &st, 0), 0);
    }
    at.offset = (uint32_t)((unsigned)rand_r(seed) % (unsigned)st.st_size);
    free(segments);
    return at;
}

/* Cut the newest segment that holds anything: what a file system does that forgot its length. */
static void cut(unsigned *seed)
{
    char path[RIG_PATH_BYTES + 64];
    struct pos at = anywhere(seed);
    snprintf(path, sizeof path, "%s/journal/%012" PRIu32 ".jsonl", r.spool, at.segment);
    ck_assert_int_eq(truncate(path, at.offset), 0);
}

/* Everything that can be read has ended, or waits for its time. */
static bool at_rest(void)
{
    for (struct entry *e = ledger_oldest(r.ledger); e; e = e->newer) {
        enum state s = ledger_state(e);
        if (s == STATE_PENDING || s == STATE_RUNNING || s == STATE_HELD)
            return false;
    }
    return true;
}

/* One that has ended runs once more; it may be one whose line is damaged by now. */
static void replay_one(unsigned *seed)
{
    char ask[64], text[ID_TEXT_BYTES];
    int status;
    struct entry *e = ledger_oldest(r.ledger);
    for (unsigned skip = (unsigned)rand_r(seed) % (unsigned)ledger_count(r.ledger); skip; skip--)
        e = e->newer;
    id_format(&e->id, text);
    snprintf(ask, sizeof ask, "replay %.*s", ID_TEXT_BYTES, text);
    (void)rig_creel(&r, ask, &status);
}

static void use_it(unsigned *seed)
{
    for (int i = 0; i < EVENTS; i++)
        (void)rig_event(&r, "order.paid", acts[(unsigned)rand_r(seed) % 5], "{\"some\":\"body\"}");
    rig_until(&r, at_rest() && ledger_count(r.ledger) >= EVENTS);
    replay_one(seed);
    rig_until(&r, at_rest());
}

static void attempts_are_on_record(void)
{
    struct reader *reader;
    struct line line;
    struct pos at;
    struct why w;
    struct ledger *l = ledger_new(true);
    ck_assert_int_eq(reader_open(r.spool_fd, (struct pos){0}, NULL, NULL, &reader, &w), ERR_OK);
    while (reader_next(reader, NULL, &line, &at, &w) == ERR_OK) {
        struct entry *e = line.has_id ? ledger_find(l, &line.id) : NULL;
        struct invocation *i = e && line.function.p ? ledger_invocation(l, e, line.function) : NULL;
        if (i && line.kind == KIND_ATTEMPT)
            ck_assert_msg(line.attempt > i->attempts, "an attempt is on record twice: %.*s", (int)line.text.n, line.text.p);
        (void)ledger_apply(l, &line, at, NULL);
    }
    reader_free(reader);
    ledger_free(l);
}

START_TEST(a_bit_anywhere)
{
    const char *text = getenv("CREEL_SEED");
    unsigned seed = text ? (unsigned)atoi(text) : 1;
    int rounds = suite_rounds(4);
    start();
    for (int i = 0; i < rounds; i++) {
        use_it(&seed);
        stop();
        for (int k = 0; k < FLIPS; k++)
            flip(anywhere(&seed), (unsigned)rand_r(&seed) % 8);
        if (i % 4 == 3)
            cut(&seed);
        rig_new_house(&r);
        start();
        /* dispatch and whoever reads the journal agree */
        rig_until(&r, at_rest() && r.shared->stats[STAT_unfinished] == ledger_counts(r.ledger)[STATE_WAITING]);
        attempts_are_on_record();
        if (i % 8 == 7) { /* or it grows without end */
            rig_check_spool(&r);
            rig_fini(&r);
            set_up();
            start();
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dispatch_damage");
    TCase *t = tcase_create("dispatch_damage");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60 + 5 * suite_rounds(4));
    tcase_add_test(t, an_outcome_before_the_checkpoint);
    tcase_add_test(t, an_outcome_behind_an_unfinished_event);
    tcase_add_test(t, damage_that_only_intake_saw);
    tcase_add_test(t, an_attempt_whose_outcome_is_there);
    tcase_add_test(t, a_routed_line_is_written_again);
    tcase_add_test(t, an_event_that_had_not_ended);
    tcase_add_test(t, a_violation_whose_end_is_lost);
    tcase_add_test(t, a_checkpoint_and_a_first_line);
    tcase_add_test(t, a_part_that_the_disk_refuses);
    tcase_add_test(t, a_bit_anywhere);
    suite_add_tcase(s, t);
    return suite_run(s);
}
