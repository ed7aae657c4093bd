/* SPDX-License-Identifier: Apache-2.0 */
/* Ring and hunt groups as documents of a node. Control thread. */
#ifndef APP_FEATURE_GROUP_GROUP_H
#define APP_FEATURE_GROUP_GROUP_H

#include "app/schema/command.h"

/* Command: puts a group, behind the text of its flow. */
command_fn group_put;

extern const struct document_kind g_group_documents;

#endif
