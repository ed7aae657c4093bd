/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIG_SUBSCRIPTION_ENDING_H
#define SIG_SUBSCRIPTION_ENDING_H

/* Why it is over (RFC 6665 4.1.3). */
enum subscription_ending {
	ENDING_NOT,
	ENDING_TIMEOUT,     /* also by its watcher */
	ENDING_REJECTED,    /* its watcher may not know any more */
	ENDING_NORESOURCE,  /* there is no such user any more */
	ENDING_DEACTIVATED, /* it is to subscribe again, at once */
	ENDING_PROBATION,   /* the same, later */
	ENDING_GIVEUP,      /* the same, some time */
	ENDINGS,
};

#endif
