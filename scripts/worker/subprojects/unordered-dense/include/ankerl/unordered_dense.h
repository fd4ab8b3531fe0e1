/*
 * The part of `ankerl::unordered_dense` that mediasoup uses, over the standard containers: `map`, `set` and `hash`, with
 * `erase(iterator)` answering the next iterator. Slower to walk than the original, the same to look up.
 */
#ifndef TRADINGROOM_UNORDERED_DENSE_H
#define TRADINGROOM_UNORDERED_DENSE_H

#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace ankerl::unordered_dense
{
	template<class Key>
	using hash = std::hash<Key>;

	template<class Key, class Value, class Hash = hash<Key>, class Equal = std::equal_to<Key>>
	using map = std::unordered_map<Key, Value, Hash, Equal>;

	template<class Key, class Hash = hash<Key>, class Equal = std::equal_to<Key>>
	using set = std::unordered_set<Key, Hash, Equal>;
} // namespace ankerl::unordered_dense

#endif
