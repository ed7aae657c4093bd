/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was asked of the party of a call and is to be known by whoever it comes to: tags with their values, "Case.CaseNumber=1234", joined
 * by ';' (IVR-02, IVR-04). With it goes the call's account code (account.h). It goes where the call goes, and with a party into another call. No secret: records and events have it.
 */
#ifndef SIG_MODEL_CALL_DATA_H
#define SIG_MODEL_CALL_DATA_H

#include "sig/host/cdr.h"
#include "sig/model/call.h"

enum { CALL_TAG_MAX = 40 };

/* TAB.FIELD: letters, digits, '_' and '-', and one dot between. */
bool call_tag_is_good(struct bytes tag);
/* Whole, with values of keys. */
bool call_data_is_good(struct bytes data);
/* In place of what that tag had. 0, -ENOSPC (no room: all is as it was), -ENOMEM. */
int call_data_set(struct call *c, struct bytes tag, struct bytes value);
/* What from has; of a tag that both have, to keeps its own, and its account code. What has no room is left out. */
void call_data_merge(struct call *to, const struct call *from);
/* The same between shards (docs/adr/0009), as lines of what they say to each other; nobody else is believed. No data, no line. */
void call_data_write(struct writer *w, const struct call *c);
/* Whom an INVITE to another shard is from, as guesses of secrets are counted (sig/call/secret.h). */
enum { CALL_SOURCE_MAX = 96 };
void call_source_write(struct writer *w, struct bytes source);
void call_data_hear(struct call *to, const struct sip_message *m);

#endif
