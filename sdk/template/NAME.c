/* @NAME@: runs for every event of type @NAME@ (creel-function(7)). `make` builds it, `make try` runs it for event.json,
 * `make install` drops it into the functions folder, where it becomes live at once.
 */
#include <creel.h>

static int run(struct creel_invocation *in)
{
    const char *number = creel_json_text(in, "/data/number");
    if (!number)
        return creel_reject(in, "no /data/number in the event"); /* trying again would not help */
    creel_log(in, CREEL_INFO, "event %s has number %s, attempt %u", creel_event_id(in), number, creel_attempt(in));
    return CREEL_DONE; /* or creel_retry_after(in, 30, "why"); a function may run more than once for one event */
}

CREEL_FUNCTION(run, .timeout_ms = 10000);
