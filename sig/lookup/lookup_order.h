/* SPDX-License-Identifier: Apache-2.0 */
/* Which record comes first. Pure: the same seed gives the same order. */
#ifndef SIG_LOOKUP_LOOKUP_ORDER_H
#define SIG_LOOKUP_LOOKUP_ORDER_H

#include "base/rand.h"
#include "sig/lookup/dns_cache.h"

/* RFC 2782: the lowest priority first, and of one priority by weight, drawn. out: indexes of all records. */
void order_srv(const struct dns_set *set, struct rand_source *rand, uint8_t out[DNS_RECORDS_MAX]);
/* RFC 3403 4.1: the lowest order, and in it the lowest preference; wanted: 1 << enum naptr_service. How many: those of the lowest order that has a
 * service that is wanted. */
uint32_t order_naptr(const struct dns_set *set, uint8_t wanted, uint8_t out[DNS_RECORDS_MAX]);

#endif
