/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of a flow that may be SRTP, and its indexes: a keystream must never be used twice, also not by the next process (RFC 3711 9.1).
 * So the record says up to where indexes may be used before the engine hears of it, and whoever continues begins there.
 */
#ifndef SIG_LEG_SECRET_H
#define SIG_LEG_SECRET_H

#include "sig/model/call.h"

/* Octets of key and salt of the longest suite we know (RFC 7714 14.2), and of a record of before we knew it (RFC 4568 6.2); ends of the
 * indexes (RFC 3711 3.3.1, 3.4). */
enum { SECRET_LEN = 44, SECRET_LEN_BEFORE = 30 };
/* With SRTP_RESERVE below half a roll-over, so that the receiver's guess of the index survives the jump (RFC 3711 3.3.1). */
enum { SECRET_SHARES = 64, SECRET_SHARE = 256, SECRET_SHARE_RTCP = 16 };
#define SRTP_INDEX_END  (UINT64_C(1) << 48)
#define SRTCP_INDEX_END (UINT64_C(1) << 31)

/* A random key, and a first grant: it goes into the record that is saved before the first SDP with it leaves. 0 or -ENOMEM. */
int secret_make(struct call_host *h, struct call_flow *f) NODISCARD;
/* The party begins with keys that have nothing to do with those before: another key, and another first grant. */
void secret_renew(struct call_host *h, struct flow_secret *s);
/* A handshake made other keys, under which indexes begin anew (srtp_index_anew). True: the grant is another one. */
bool secret_rekey(struct flow_secret *s);
/* What a record says of one. */
struct secret_record {
	struct bytes key;
	uint64_t limit, limit_rtcp;
	uint64_t incarnation; /* that wrote it */
};
/*
 * To be continued by incarnation `now`. It must not wait for a save before it speaks, or encrypted calls would be silent for as long as the
 * saves of a restart take. So above the recorded limit each incarnation has a share of its own, which no other ever begins in; further ones
 * than SECRET_SHARES, or one that is not known to be later, wait. 0 or -ENOMEM.
 */
int secret_restore(struct call_flow *f, const struct secret_record *record, uint64_t now) NODISCARD;
/* Wiped. */
void secret_free(struct call_flow *f);

#endif
