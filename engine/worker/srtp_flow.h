/* SPDX-License-Identifier: Apache-2.0 */
/* The SRTP streams of a flow: opened, changed and closed by control, before a batch is looked at. */
#ifndef ENGINE_WORKER_SRTP_FLOW_H
#define ENGINE_WORKER_SRTP_FLOW_H

#include "base/rand.h"
#include "engine/worker/flow.h"

/*
 * Keys and limits of the spec. A stream goes on as long as its key does, also over a time without key. One that is new to the
 * flow begins where spec->resume says, else at random (RFC 4568 6.4: its rollover counter is 0). A key that was given up for another
 * must not come back. 0, -EINVAL (a key or an index that is none) or -ENOMEM: then nothing passes in that direction, under srtp_key,
 * rather than unprotected.
 */
int srtp_flow_open(struct flow_table *t, struct flow *f, const struct flow_spec *spec,
		   struct rand_source *r) NODISCARD;
int srtp_flow_update(struct flow_table *t, struct flow *f, const struct flow_spec *spec,
		     struct rand_source *r) NODISCARD;
/* Keys of a handshake (dtls_flow.h), in place of those that were: what we send begins as one that is new to the flow. Of a direction
 * that has the key already nothing changes. 0, -EINVAL or -ENOMEM as above. */
int srtp_flow_keys(struct flow *f, const struct media_key *in, const struct media_key *out,
		   struct rand_source *r) NODISCARD;
void srtp_flow_close(struct flow_table *t, struct flow *f);
/* Fills what is about SRTP. */
void srtp_flow_resume(const struct flow *f, struct flow_resume *out);

#endif
