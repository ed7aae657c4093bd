/* SPDX-License-Identifier: Apache-2.0 */
/* The URIs of a list that a request brings along: application/resource-lists+xml (RFC 4826, RFC 5363, RFC 5367). Pure. */
#ifndef SIG_SIP_RESOURCE_LIST_H
#define SIG_SIP_RESOURCE_LIST_H

#include "base/bytes.h"

#define RESOURCE_LIST_TYPE "application/resource-lists+xml"

/* The URIs of its entries in their order, each with '\n' behind it. Lists within lists are one list; what a reference or an external list
 * leads to is nobody's here. 0; -EBADMSG: it is no such document; -E2BIG: they do not fit into w, or are more than that. */
int resource_list_read(struct bytes document, uint32_t most, struct writer *w) NODISCARD;

#endif
