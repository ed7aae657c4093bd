/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/moves.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "engine/job/coder.h"

struct flow_parcel *moves_begin(struct moves *m, const struct flow_spec *spec)
{
	struct flow_parcel *p = calloc(1, sizeof(*p)), **at = &m->first;

	if (!p)
		return NULL;
	while (*at)
		at = &(*at)->next;
	p->spec = *spec;
	p->fd[CHANNEL_RTP] = p->fd[CHANNEL_RTCP] = -1;
	*at = p;
	return p;
}

struct flow_parcel *moves_find(const struct moves *m, uint32_t slot)
{
	struct flow_parcel *p = m->first;

	while (p && p->spec.id.slot != slot)
		p = p->next;
	return p;
}

void moves_end(struct moves *m, struct flow_parcel *p)
{
	struct flow_parcel **at = &m->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	for (uint32_t c = 0; c < CHANNELS; c++)
		if (p->fd[c] >= 0)
			(void)close(p->fd[c]);
	transcoder_free(p->transcoder);
	explicit_bzero(p, sizeof(*p)); /* keys */
	free(p);
}

void moves_close(struct moves *m)
{
	while (m->first)
		moves_end(m, m->first);
}
