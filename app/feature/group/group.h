/* SPDX-License-Identifier: Apache-2.0 */
/* Ring and hunt groups as documents of a node. Control thread. */
#ifndef APP_FEATURE_GROUP_GROUP_H
#define APP_FEATURE_GROUP_GROUP_H

struct document_kind;

extern const struct document_kind g_group_documents;

#endif
