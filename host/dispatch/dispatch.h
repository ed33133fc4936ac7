/* SPDX-License-Identifier: MIT
 * dispatch: the role that runs functions: one process, one thread, one event loop. It reads the journal up to `safe`, writes down
 * where each event goes, gives runs to workers, decides what follows from how they end, and sends every decision to
 * intake as a record. It never writes the journal, never sees a signing secret, never loads a function.
 */
#ifndef CREEL_DISPATCH_DISPATCH_H
#define CREEL_DISPATCH_DISPATCH_H

/* The role's whole life, with the descriptors of enum role_fd. Returns its exit status. */
int dispatch_main(void);

#endif
