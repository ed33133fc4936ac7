/* SPDX-License-Identifier: MIT
 * rerun: a refused request that was kept (rejected.h) goes through the door again, every step of it, judged by the time at which
 * it first arrived, because a key or a schema was corrected. Who asks for that names the request only; what it was is read
 * here. Only root and the user this process runs as may ask, over a unix socket, with a FastCGI parameter that no client of a web
 * server can set, for theirs all begin with HTTP_. IO threads.
 */
#ifndef CREEL_INTAKE_RERUN_H
#define CREEL_INTAKE_RERUN_H

#include "intake/request.h"

/* The request id, a blank, where its line lies (refusal_place_put). */
#define RERUN_PARAM "CREEL_RERUN"

/* q has this parameter: make it the kept request, up to the end of its body. own: the caller is one of those who may ask. ERR_OK:
 * the steps may begin; else refused, with the reason in q->detail. Reads one line of one file. */
enum err rerun_begin(struct request *q, bool own);
/* It is decided: where it was refused for want of what is never kept, say so. */
void rerun_explain(struct request *q);

#endif
