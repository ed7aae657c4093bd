/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SRTP streams of a flow: opened, changed and closed by control, before a batch is looked at.
 */
#ifndef ENGINE_WORKER_SRTP_FLOW_H
#define ENGINE_WORKER_SRTP_FLOW_H

#include "base/rand.h"
#include "engine/worker/flow.h"

/* Keys and limits of the spec. A stream lives as long as its key, also through a time in clear. A
 * new one begins where spec->resume says, else at a random index (RFC 4568 6.4: its rollover
 * counter is 0). A key that was replaced must not come back. Returns 0, -EINVAL (invalid key or
 * index) or -ENOMEM: then nothing passes in that direction, under srtp_key, rather than
 * unprotected. */
int srtp_flow_open(struct flow_table *t, struct flow *f, const struct flow_spec *spec,
		   struct rand_source *r) NODISCARD;
int srtp_flow_update(struct flow_table *t, struct flow *f, const struct flow_spec *spec,
		     struct rand_source *r) NODISCARD;
/* Keys of a handshake (dtls_flow.h), replacing the present ones: our sending begins as under a
 * new key. A direction that has the key already is unchanged. Returns 0, -EINVAL or -ENOMEM as
 * above. */
int srtp_flow_keys(struct flow *f, const struct media_key *in, const struct media_key *out,
		   struct rand_source *r) NODISCARD;
void srtp_flow_close(struct flow_table *t, struct flow *f);
/* Fills what is about SRTP. */
void srtp_flow_resume(const struct flow *f, struct flow_resume *out);

#endif
