/* SPDX-License-Identifier: MIT
 * json_edit: changes one value of a JSON text and leaves every other byte as it is. Any thread.
 */
#ifndef CREEL_BASE_JSON_EDIT_H
#define CREEL_BASE_JSON_EDIT_H

#include "base/json.h"

/* text with the value at pointer (RFC 6901, not "") replaced by value, behind out. What does not exist is inserted as
 * the last member or element; a container that is missing, or null, is made: an array where the pointer goes on with 0,
 * else an object. text is one that json_check passed, value is JSON, both lie outside of out. ERR_INVALID: the pointer is
 * none, or leads through a scalar or past the end of an array. ERR_NO_ROOM: out is full. */
enum err json_set(struct span text, struct span pointer, struct span value, struct buf *out);

#endif
