/* SPDX-License-Identifier: Apache-2.0 */
/* What documents were before their last changes, which Redis keeps (document_past.lua): shown,
 * compared, and put again. One mechanism for all kinds but sessions, tokens, agents and sets.
 * Control thread. */
#ifndef APP_FEATURE_PAST_PAST_H
#define APP_FEATURE_PAST_PAST_H

#include "app/schema/command.h"

command_fn command_document_history, command_document_diff, command_document_restore;

#endif
