// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Heads of transparency logs, as their anchorers stated them.
/// @notice A log is known by the hash of its origin *and* by who anchors it: whoever registers an origin of somebody else
///         gets a log of their own, which nobody who names the right anchorer looks at. Nothing here can be owned, paused,
///         upgraded or removed.
contract TalosAnchor {
    /// @dev Two slots, both of which are proven to auditors (AUD-38): size and flag, then the root.
    struct Head {
        uint64 size;
        bool registered;
        bytes32 root;
    }

    /// keccak256(origin) => anchorer => head. Slot 0, which the proofs of auditors rest on.
    mapping(bytes32 => mapping(address => Head)) public heads;

    event Registered(bytes32 indexed originHash, address indexed anchorer, string origin);
    event Anchored(bytes32 indexed originHash, address indexed anchorer, uint64 size, bytes32 root);

    error AlreadyRegistered();
    error NotRegistered();
    error OriginInvalid();
    error SizeNotGrowing(uint64 size);

    /// @notice Makes the caller the anchorer of its own log of this origin, once.
    function register(string calldata origin) external {
        if (bytes(origin).length == 0 || bytes(origin).length > 256) revert OriginInvalid();
        bytes32 originHash = keccak256(bytes(origin));
        Head storage head = heads[originHash][msg.sender];
        if (head.registered) revert AlreadyRegistered();
        head.registered = true;
        emit Registered(originHash, msg.sender, origin);
    }

    /// @notice States that the caller's log has `size` leaves under `root`. Only a larger tree than the last is taken.
    function anchor(bytes32 originHash, uint64 size, bytes32 root) external {
        Head storage head = heads[originHash][msg.sender];
        if (!head.registered) revert NotRegistered();
        if (size <= head.size) revert SizeNotGrowing(head.size);
        head.size = size;
        head.root = root;
        emit Anchored(originHash, msg.sender, size, root);
    }
}
