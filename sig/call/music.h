/* SPDX-License-Identifier: Apache-2.0 */
/* What a party hears from the node while another holds it (FEATURES CALL-08, MED-04). It follows from texts and orders: nothing is kept. */
#ifndef SIG_CALL_MUSIC_H
#define SIG_CALL_MUSIC_H

#include "media/job.h"
#include "sig/call/call.h"

/* Music in a codec that the leg's party takes on this line. False: there is none. */
bool music_for(const struct call_host *h, const struct call *c, uint8_t leg, uint8_t line,
	       struct flow_source *out);
/* There is other music now, or none any more. */
void music_changed(struct call_host *h, struct call *c);

#endif
