/* SPDX-License-Identifier: MIT
 * intake: the role of creeld that takes events in: FastCGI, keys, limits; the only writer of the journal. Never forks, loads
 * code or runs a function.
 *
 * Threads: main (supervisor channel, reload, stop), `threads` IO threads (transport.h: connections, all steps up to
 * commit), the committer (commit.h: the journal, then the answers of the batch), the journal's helper.
 */
#ifndef CREEL_INTAKE_INTAKE_H
#define CREEL_INTAKE_INTAKE_H

/* The role: its descriptors are in place (enum role_fd). Returns the exit code. */
int intake_main(void);

#endif
