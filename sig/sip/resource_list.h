/* SPDX-License-Identifier: Apache-2.0 */
/* The URIs of a list in a request body: application/resource-lists+xml (RFC 4826, RFC 5363, RFC
 * 5367). Pure. */
#ifndef SIG_SIP_RESOURCE_LIST_H
#define SIG_SIP_RESOURCE_LIST_H

#include "base/bytes.h"

#define RESOURCE_LIST_TYPE "application/resource-lists+xml"

/* Writes the URIs of its entries in order, each followed by '\n'. Nested lists are flattened;
 * references and external lists are ignored. Returns 0; -EBADMSG: not such a document; -E2BIG: they
 * do not fit into w, or exceed most. */
int resource_list_read(struct bytes document, uint32_t most, struct writer *w) NODISCARD;

#endif
