/* SPDX-License-Identifier: MIT
 * log: writes what it got: one line about the event in the host's log, then the body's first bytes as output. Configuration:
 * "body_bytes" (default 4096; 0: none).
 */
#include <creel.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_BYTES_DEFAULT = 4096 };

static int log_event(struct creel_invocation *in)
{
    size_t bytes;
    const char *body = (const char *)creel_body(in, &bytes);
    const char *sender_id = creel_sender_id(in), *configured = creel_config_text(in, "/body_bytes");
    creel_log(in, CREEL_INFO, "event %s type %s source %s attempt %u sender-id %s bytes %zu", creel_event_id(in), creel_type(in),
              creel_source(in), creel_attempt(in), sender_id ? sender_id : "-", bytes);
    size_t show = configured ? strtoul(configured, NULL, 10) : BODY_BYTES_DEFAULT;
    if (show > bytes)
        show = bytes;
    fwrite(body, 1, show, stdout);
    if (show && body[show - 1] != '\n')
        putchar('\n');
    if (show && show < bytes)
        printf("(%zu more bytes)\n", bytes - show);
    return CREEL_DONE;
}

CREEL_FUNCTION(log_event, .name = "log", .version = "1");
