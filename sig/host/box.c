/* SPDX-License-Identifier: Apache-2.0 */
/* The names of message states, by enum message_state, as they are stored in Redis and shown by
 * commands and events (box.h). They are part of the stored data: never change their meaning. */

#include "sig/host/box.h"

const char *const g_message_states[] = { "draft", "new", "old", "deleted", NULL };
