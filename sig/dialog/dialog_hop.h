/* SPDX-License-Identifier: Apache-2.0 */
/* Where the requests of a dialog go (RFC 3261 12.2.1.1, with the party's real address where NAT stands between). */
#ifndef SIG_DIALOG_DIALOG_HOP_H
#define SIG_DIALOG_DIALOG_HOP_H

#include "sig/dialog/dialog.h"

/* The topmost Via says another address than the message came from. */
bool dialog_is_behind_nat(const struct sip_message *request);
/*
 * First route or remote target when that is a numeric address at which the party may be reached, else what d->hop is now. Who is trusted
 * is followed to other hosts; a phone stays on the host that its signalling comes from and on its transport, so that its Contact tells
 * at most another port.
 */
void dialog_choose_hop(struct dialog *d, const struct call_host *h, bool behind_nat);
/* Whether a name there is looked up: that of who is trusted, and whose requests need not go back through a NAT, a browser's or a shard's
 * connection. */
void dialog_choose_names(struct dialog *d, const struct call_host *h, bool behind_nat);
/* The first route, or else the target. False: it cannot be read. */
bool dialog_next_uri(struct bytes routes, struct bytes target, struct sip_uri *out);
/* May be sent to, by one of our addresses, in place of where the party's signalling comes from. A connection that is there stays in use
 * towards the same machine (RFC 5626), whatever its port. trusted: the party may name other hosts. */
bool dialog_hop_leads(struct sip_hop *to, const struct sip_hop *party, const struct call_host *h,
		      bool trusted);
/* One of our own listening addresses. */
bool dialog_is_self(const struct addr *remote, const struct shard_settings *settings);

/* Gives the hop a listening address of its transport and family: its own, one of its network, any. False: there is none. */
bool hop_local_for(struct sip_hop *hop, const struct shard_settings *settings);

#endif
