/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Path of a REGISTER (RFC 3327): the proxies by which its phone is reached. Whoever may say where our requests go is for the caller to
 * know. Pure.
 */
#ifndef SIG_LOCATION_PATH_H
#define SIG_LOCATION_PATH_H

#include "sig/sip/message.h"

enum { PATH_TEXT_MAX = 1024, PATH_HOPS_MAX = 8 };

/* As Route has it, "<sip:p2;lr>, <sip:p1;lr;ob>", written over w; nothing where there is no Path. flow: the proxy at an end of it keeps the
 * phone's flow (RFC 5626 5.1). 0, -EBADMSG (what stands there is no list of SIP URIs), -EMSGSIZE (more than the above). */
int path_read(const struct sip_message *m, struct writer *w, bool *flow) NODISCARD;
/* Whether such a text, of a record, is a route, and within its bounds. */
bool path_is_route(struct bytes text);

#endif
