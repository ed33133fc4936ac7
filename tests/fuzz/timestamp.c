/* SPDX-License-Identifier: MIT
 * fuzz timestamp: any text in every format of signed times. What is read lies between 1970 and 9999, is near to itself,
 * and written again is the same time.
 */
#include "fuzz.h"
#include "recipe/timestamp.h"

const char fuzz_name[] = "timestamp";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/timestamp", NULL},
    {NULL, NULL},
};

static const int64_t end_ms = INT64_C(253402300800000); /* of the year 9999 */

static void judge(enum time_format format, int64_t ms)
{
    static const int64_t steps_ms[] = {0, 999, 1000, 5000, INT64_C(253402300799999)};
    struct timestamp t = {.format = format, .past_ms = 5000, .future_ms = FUTURE_SAME};
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        bool past = timestamp_near(&t, ms, ms + steps_ms[i], 0), future = timestamp_near(&t, ms + steps_ms[i], ms, 0);
        bug_if(steps_ms[i] <= 5000 && !past);
        bug_if(steps_ms[i] > 6000 && (past || future));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span text = span_of((const char *)p, n);
    for (enum time_format format = TIME_SECONDS; format < TIME_FORMATS; format++) {
        char written[TIMESTAMP_TEXT_BYTES];
        int64_t ms = -1, again = -1;
        if (timestamp_read(format, text, &ms) != ERR_OK) {
            bug_if(ms != -1 || timestamp_words(format)[0] == 0);
            continue;
        }
        bug_if(ms < 0 || ms >= end_ms);
        size_t length = timestamp_write(format, ms, written);
        bug_if(length >= sizeof written || written[length] != 0);
        bug_if(timestamp_read(format, span_of(written, length), &again) != ERR_OK || again != ms);
        judge(format, ms);
    }
    return 0;
}
