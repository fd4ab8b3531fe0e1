/*
 * The part of libsrtp 3's interface that mediasoup 3.27 calls, answered by the system's libsrtp 2 (>= 2.4).
 *
 * Differences that matter:
 * - In version 3 `srtp_policy_t` is an opaque handle filled by functions; in version 2 it is the filled structure itself. So the
 *   old name is moved aside while the system's header is read.
 * - Version 3 protects from one buffer into another, with room given in and length given out; version 2 works in place on an
 *   `int` length. So the packet is copied first where the two buffers differ.
 * - Values that version 2 does not know (28, 29) still fit its enumeration, whose five bits reach to 31.
 * Lengths are bytes. C++ only: the functions overload version 2's C functions of the same name.
 */
#ifndef TRADINGROOM_SRTP3_OVER_SRTP2_H
#define TRADINGROOM_SRTP3_OVER_SRTP2_H

#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#define srtp_policy_t srtp2_policy_t
#include <srtp2/srtp.h>
#undef srtp_policy_t

inline constexpr srtp_err_status_t srtp_err_status_buffer_small = static_cast<srtp_err_status_t>(28);
inline constexpr srtp_err_status_t srtp_err_status_cryptex_err  = static_cast<srtp_err_status_t>(29);

struct srtp3_policy
{
	srtp2_policy_t inner;
	unsigned char key[SRTP_MAX_KEY_LEN]; /* master key, then master salt; `inner.key` points here */
};

typedef srtp3_policy* srtp_policy_t;

inline srtp_err_status_t srtp_policy_create(srtp_policy_t* policy)
{
	*policy = new (std::nothrow) srtp3_policy{};

	return *policy ? srtp_err_status_ok : srtp_err_status_alloc_fail;
}

inline void srtp_policy_destroy(srtp_policy_t policy)
{
	if (policy)
	{
		/* The key must not stay behind in freed memory; through `volatile` the compiler may not leave this out. */
		volatile unsigned char* byte = policy->key;

		for (std::size_t left = sizeof(policy->key); left > 0; --left)
		{
			*byte++ = 0;
		}

		delete policy;
	}
}

inline srtp_err_status_t srtp_policy_set_ssrc(srtp_policy_t policy, srtp_ssrc_t ssrc)
{
	policy->inner.ssrc = ssrc;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_profile(srtp_policy_t policy, srtp_profile_t profile)
{
	const srtp_err_status_t err = srtp_crypto_policy_set_from_profile_for_rtp(&policy->inner.rtp, profile);

	return err ? err : srtp_crypto_policy_set_from_profile_for_rtcp(&policy->inner.rtcp, profile);
}

/* One key, without a master key identifier: all that mediasoup uses. */
inline srtp_err_status_t srtp_policy_add_key(
  srtp_policy_t policy,
  const uint8_t* key,
  std::size_t key_len,
  const uint8_t* salt,
  std::size_t salt_len,
  const uint8_t* /*mki*/,
  std::size_t mki_len)
{
	if (mki_len != 0 || policy->inner.key || key_len > sizeof(policy->key) || salt_len > sizeof(policy->key) - key_len)
	{
		return srtp_err_status_bad_param;
	}

	std::memcpy(policy->key, key, key_len);
	std::memcpy(policy->key + key_len, salt, salt_len);
	policy->inner.key = policy->key;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_allow_repeat_tx(srtp_policy_t policy, bool allow)
{
	policy->inner.allow_repeat_tx = allow ? 1 : 0;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_window_size(srtp_policy_t policy, std::size_t packets)
{
	policy->inner.window_size = static_cast<unsigned long>(packets);

	return srtp_err_status_ok;
}

/* Version 2 copies what it needs out of the policy, so the caller may destroy it afterwards. */
inline srtp_err_status_t srtp_create(srtp_t* session, srtp_policy_t policy)
{
	return srtp_create(session, static_cast<const srtp2_policy_t*>(&policy->inner));
}

/* The SSRC is in network byte order in both versions. */
inline srtp_err_status_t srtp_stream_remove(srtp_t session, uint32_t ssrc)
{
	return srtp_remove_stream(session, ssrc);
}

/*
 * Runs a version 2 function that works in place, as version 3 would.
 * growth: bytes that the function may append; the output must have room for them. out_len: room in, length out.
 */
inline srtp_err_status_t srtp3_run_in_place(
  srtp_err_status_t (*run)(srtp_t, void*, int*),
  srtp_t session,
  const uint8_t* in,
  std::size_t in_len,
  uint8_t* out,
  std::size_t* out_len,
  std::size_t growth)
{
	if (in_len > static_cast<std::size_t>(INT_MAX) - growth)
	{
		return srtp_err_status_bad_param;
	}

	if (*out_len < in_len + growth)
	{
		return srtp_err_status_buffer_small;
	}

	if (in != out)
	{
		std::memcpy(out, in, in_len);
	}

	int len                     = static_cast<int>(in_len);
	const srtp_err_status_t err = run(session, out, &len);

	if (!err)
	{
		*out_len = static_cast<std::size_t>(len);
	}

	return err;
}

inline srtp_err_status_t srtp_protect(
  srtp_t session, const uint8_t* in, std::size_t in_len, uint8_t* out, std::size_t* out_len, std::size_t /*mki*/)
{
	return srtp3_run_in_place(srtp_protect, session, in, in_len, out, out_len, SRTP_MAX_TRAILER_LEN);
}

inline srtp_err_status_t srtp_protect_rtcp(
  srtp_t session, const uint8_t* in, std::size_t in_len, uint8_t* out, std::size_t* out_len, std::size_t /*mki*/)
{
	return srtp3_run_in_place(srtp_protect_rtcp, session, in, in_len, out, out_len, SRTP_MAX_TRAILER_LEN + 4);
}

inline srtp_err_status_t srtp_unprotect(
  srtp_t session, const uint8_t* in, std::size_t in_len, uint8_t* out, std::size_t* out_len)
{
	return srtp3_run_in_place(srtp_unprotect, session, in, in_len, out, out_len, 0);
}

inline srtp_err_status_t srtp_unprotect_rtcp(
  srtp_t session, const uint8_t* in, std::size_t in_len, uint8_t* out, std::size_t* out_len)
{
	return srtp3_run_in_place(srtp_unprotect_rtcp, session, in, in_len, out, out_len, 0);
}

#endif
