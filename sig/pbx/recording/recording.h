/* SPDX-License-Identifier: Apache-2.0 */
/* Recording of a call (docs/adr/0039-recordings.md). A recording is a value
 * (sig/model/recording.h), and all else follows from it after each step: what the recorder is told,
 * and which flows are copied for it. */
#ifndef SIG_PBX_RECORDING_RECORDING_H
#define SIG_PBX_RECORDING_RECORDING_H

#include "media/flow.h"
#include "media/offer/terms.h"
#include "sig/model/call.h"
#include "sig/model/call_order.h"
#include "sig/model/recording.h"
#include "sig/sip/feature_code.h"

/* The party of the leg may begin and end recordings. */
bool recording_is_on_demand(const struct call_host *h, const struct call *c, uint8_t leg);
/* The recorded name of a member is not used any more. */
void recording_name_forget(struct call_host *h, const struct call *c, uint8_t number);
/* Why, in words: error is what that says. */
const char *recording_failure(int error);
/* The interval of the recording tone of the tenant; own: enum record_tone of the extension. 0:
 * never. */
uint32_t recording_tone_ms(const struct shard_settings *settings, uint16_t tenant, uint8_t own);
/* The same tone, of a conference that is recorded. */
struct media_room_tone recording_room_tone(uint32_t every_ms, uint64_t begun_ns);

/* A policy has the pair that talks recorded into files as soon as this step is over. */
bool recordings_are_due(const struct call_host *h, const struct call *c);
/* to: enum order_record_to. */
enum refusal recording_order(struct call_host *h, struct call *c, uint8_t leg,
			     enum order_record what, enum order_record_to to,
			     enum recording_cause cause) NODISCARD;

/* Parties that support a=record (RFC 7866 6.1.2, 7.1.2, docs/adr/0049-recording-awareness.md): each
 * SDP to them states what is recorded, and a re-INVITE is sent when that changes. It follows from
 * the recordings and from the SDP of the legs after each step; nothing else is saved, so a
 * successor tells what its predecessor could not. */

/* The answer to the leg's INVITE is built but not sent: it states what will be recorded once it
 * is. */
void aware_answer(struct call_host *h, struct call *c, uint8_t leg);
/* What parties prefer (7.1.3) is noted, and followed where settings say so. */
void aware_prefer(struct call_host *h, struct call *c);
/* Parties that were told otherwise get a re-INVITE. */
void aware_settle(struct call_host *h, struct call *c);

#endif
