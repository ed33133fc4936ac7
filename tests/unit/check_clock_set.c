/* SPDX-License-Identifier: MIT
 * check_clock_set: somebody sets the clock while dispatch has retries waiting: they are neither forgotten nor begun all at once.
 * Linked with --wrap=clock_wall_ms.
 */
#include "config.h"
#include "rig.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "base/clock.h"

enum { DAY_MS = 24 * 3600 * 1000 };

int64_t __real_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void);

static struct rig r;
static _Atomic int64_t *set_by; /* shared with the processes that are forked */

int64_t __wrap_clock_wall_ms(void)
{
    return __real_clock_wall_ms() + (set_by ? atomic_load(set_by) : 0);
}

static void set_up(void)
{
    set_by = mmap(NULL, sizeof *set_by, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(set_by != MAP_FAILED);
    rig_init(&r, "");
    rig_drop(&r, "behave", "behave", "{\"retry\":{\"base\":\"1s\",\"factor\":1,\"attempts\":4}}");
}

static void tear_down(void)
{
    rig_check_spool(&r);
    rig_fini(&r);
}

START_TEST(set_back_while_they_wait)
{
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "unknown", "{}");
    for (uint32_t n = 1; n < 4; n++) {
        rig_until(&r, rig_invocation(&r, &id) && rig_invocation(&r, &id)->attempts >= n && rig_state(&r, &id) != STATE_RUNNING);
        atomic_fetch_sub(set_by, DAY_MS);
    }
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
}
END_TEST

START_TEST(set_back_while_nobody_looks)
{
    atomic_store(set_by, DAY_MS);
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "unknown", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_WAITING);
    rig_kill(&r);
    atomic_store(set_by, 0);
    rig_start(&r);
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
}
END_TEST

START_TEST(set_forward)
{
    rig_start(&r);
    struct id later = rig_event(&r, "order.paid", "retry", "{}"); /* asks for 30 s */
    rig_until(&r, rig_state(&r, &later) == STATE_WAITING);
    ck_assert_uint_eq(rig_invocation(&r, &later)->attempts, 1);
    atomic_store(set_by, DAY_MS);
    rig_until(&r, rig_invocation(&r, &later)->attempts == 2);
    rig_until(&r, rig_state(&r, &later) == STATE_WAITING);
    atomic_store(set_by, -DAY_MS); /* what was asked for still holds */
    for (int i = 0; i < 30; i++)
        rig_pump(&r);
    ck_assert_uint_eq(rig_invocation(&r, &later)->attempts, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("clock_set");
    TCase *t = tcase_create("clock_set");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, set_back_while_they_wait);
    tcase_add_test(t, set_back_while_nobody_looks);
    tcase_add_test(t, set_forward);
    suite_add_tcase(s, t);
    return suite_run(s);
}
