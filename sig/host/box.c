/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/box.h"

const char *const g_message_states[] = { "draft", "new", "old", "deleted", NULL };
