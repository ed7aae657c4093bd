/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One side of a call as RFC 3261 12 sees it: a plain value, written into the call's record. Our tag names shard, call and leg.
 */
#ifndef SIG_DIALOG_DIALOG_H
#define SIG_DIALOG_DIALOG_H

#include "base/text.h"
#include "sig/dialog/dialog_challenge.h"
#include "sig/dialog/dialog_places.h"
#include "sig/dialog/elsewhere.h"
#include "sig/host/settings.h"
#include "sig/sip/id.h"

enum {
	DIALOG_TEXT_MAX = 1024, /* longest Call-ID, tag, URI or name-addr kept */
	DIALOG_ROUTES_MAX = 4096,
};

struct call_host;

/* After a restart requests that no save waited for may have used these numbers; a gap is allowed (RFC 3261 12.2.2), going back is not. */
enum { RESUME_CSEQ_GAP = 64 };

struct dialog {
	struct id_tag tag; /* ours, with the call and leg that it was born in */
	struct id_tag
		referrer; /* of a conference of another shard: of the dialog whose REFER went there last (sig/feature/focus.h); call 0: not known. Not part of a record */
	struct elsewhere *elsewhere; /* NULL: it is there still */
	struct text call_id;
	struct text remote_tag; /* empty: none yet */
	struct text local;      /* "name" <uri> of us, without tag */
	struct text remote;     /* of the party */
	struct text target;     /* remote target URI */
	struct text routes;     /* "<sip:p1;lr>, <sip:p2;lr>" in the order of Route headers */
	struct text
		focus; /* of the conference that its party is in (RFC 4579), the user of its URI; empty: none. Not part of a record */
	struct sip_hop hop; /* where our requests go */
	bool trunk;         /* the party speaks for others, wherever it is */
	bool named;         /* names that it says count (dialog_places.h) */
	bool confers; /* the party is a conference of another shard: its Contact says so, and names it */
	uint32_t local_cseq;                  /* last one we used */
	uint32_t remote_cseq;                 /* last one they used; 0 before the first */
	struct dialog_challenges *challenges; /* NULL: nobody has asked who we are */
	struct dialog_places *places;         /* NULL: it is at no name, or at one place of it */
};

void dialog_clear(struct dialog *d);
/* The texts and the way of a dialog that has gone elsewhere, without its tag: nothing in it is found here. 0 or -ENOMEM. */
int dialog_copy(struct dialog *to, const struct dialog *from) NODISCARD;

/* Whose it is now. */
static inline uint64_t dialog_call(const struct dialog *d)
{
	return d->elsewhere ? d->elsewhere->call : d->tag.call;
}
static inline uint8_t dialog_leg(const struct dialog *d)
{
	return d->elsewhere ? d->elsewhere->leg : d->tag.leg;
}

/* We are asked: from an INVITE with a Contact; of *d trunk alone is there already. 0, -EINVAL (something is too long or not to be repeated), -ENOMEM. */
int dialog_from_request(struct dialog *d, const struct id_tag *tag,
			const struct sip_message *invite, const struct call_host *h) NODISCARD;

/* Whom we shall ask. */
struct dialog_party {
	struct bytes local_display, local_user, remote_user;
	struct bytes local_host;     /* of local_user; empty: ours */
	struct bytes target, routes; /* routes: preloaded, as Route has them */
	struct sip_hop hop;
};
int dialog_to_party(struct dialog *d, const struct id_tag *tag, const struct dialog_party *party,
		    const struct shard_settings *settings) NODISCARD;
/* The answer to our INVITE: remote tag, target and route set. behind_nat: requests keep going to the hop. 0, -EINVAL, -ENOMEM. */
int dialog_confirm(struct dialog *d, const struct sip_message *response, bool behind_nat,
		   const struct call_host *h) NODISCARD;
/* Another one that the same INVITE has begun (RFC 3261 12.1.2), from a response of its party: *d (zeroed) is to be cleared, also after an
 * error. 0, -EINVAL, -ENOMEM. */
int dialog_fork(struct dialog *d, const struct dialog *of, const struct sip_message *response,
		const struct call_host *h) NODISCARD;
/* Target refresh by a re-INVITE or its answer (RFC 3261 12.2). */
int dialog_refresh(struct dialog *d, const struct sip_message *m,
		   const struct call_host *h) NODISCARD;

/* Call-ID and both tags are those of the dialog. local, remote: the tags in the message, as seen from us. */
bool dialog_is(const struct dialog *d, struct bytes call_id, struct bytes local,
	       struct bytes remote);

/* A request within the dialog, or the INVITE that opens it. */
struct dialog_request {
	enum sip_method method;
	uint32_t cseq;
	uint64_t branch; /* random part */
	int32_t max_forwards;
	bool contact;        /* say where we are: INVITE */
	struct bytes target; /* in the place of the dialog's; empty: that */
	struct bytes extra;  /* whole lines */
	struct bytes content_type, body;
};
void dialog_write_request(struct writer *w, const struct dialog *d, const struct dialog_request *r,
			  const struct shard_settings *settings);
/* The head of a request that we wrote, to be said once more (RFC 3261 8.1.3.5): with another CSeq and branch, without credentials and
 * the blank line. */
void dialog_write_again(struct writer *w, const struct dialog *d, struct bytes request,
			const struct dialog_request *r, const struct shard_settings *settings);
/* A request that we wrote, for where the dialog's requests go now: with this branch and CSeq (0: its own), else as it was. */
void dialog_write_moved(struct writer *w, const struct dialog *d, struct bytes request,
			const char branch[ID_BRANCH_LEN], uint32_t cseq,
			const struct shard_settings *settings);
/* Those of such a request. */
bool dialog_read_branch(struct bytes request, char out[ID_BRANCH_LEN]);
uint32_t dialog_read_cseq(struct bytes request);
/* "Contact: <...>" line of a leg; of a focus it is the conference, */
void dialog_write_contact(struct writer *w, const struct dialog *d,
			  const struct shard_settings *settings);
/* ... and who reads it may watch that (RFC 4579 3.1); of another one nothing. */
void dialog_write_focus(struct writer *w, const struct dialog *d);
/* "name" <sip:user@host>; without a name: <sip:user@host>. */
void dialog_write_name(struct writer *w, struct bytes display, struct bytes user,
		       const struct addr *host);
/* The tag as it stands in headers. */
struct dialog_tag {
	char text[ID_TAG_LEN];
};
struct dialog_tag dialog_tag(const struct dialog *d);

/* Our ACK to a non-2xx (RFC 3261 17.1.1.3) and our CANCEL (9.1): both repeat lines of the INVITE we wrote. to: value of the
 * response's To header; empty: that of the INVITE. */
void dialog_write_derived(struct writer *w, struct bytes invite, enum sip_method method,
			  struct bytes to, struct bytes extra);

#endif
