/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that share the transport of another, its owner, have the keys of its handshake (RFC 9143 11). On the worker's thread. */
#ifndef ENGINE_FLOW_DTLS_BUNDLE_H
#define ENGINE_FLOW_DTLS_BUNDLE_H

#include "engine/flow/dtls_flow.h"

/* id: the owner's, whose generation is not 0; the owner before is left. The keys are the owner's where it has some; a flow of a restored
 * call may have brought them itself. An owner that is gone is none. 0, or what srtp_flow_keys says. */
int dtls_bundle_set(struct worker *w, struct flow *f, struct flow_id id) NODISCARD;
/* Without an owner nothing happens. */
void dtls_bundle_leave(struct worker *w, struct flow *f);
/* The owner goes: nobody shares its transport any more. */
void dtls_bundle_end(struct worker *w, struct flow *owner);

#endif
