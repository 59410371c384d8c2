// Made of talos-anchor.sol: TALOS_WRITE_CONTRACT=1 npx vitest run contract.test.ts. Not written by hand.

/** The interface of the anchor contract. */
// biome-ignore format: generated
export const ANCHOR_ABI = [{"inputs":[],"name":"AlreadyRegistered","type":"error"},{"inputs":[],"name":"NotRegistered","type":"error"},{"inputs":[],"name":"OriginInvalid","type":"error"},{"inputs":[{"internalType":"uint64","name":"size","type":"uint64"}],"name":"SizeNotGrowing","type":"error"},{"anonymous":false,"inputs":[{"indexed":true,"internalType":"bytes32","name":"originHash","type":"bytes32"},{"indexed":true,"internalType":"address","name":"anchorer","type":"address"},{"indexed":false,"internalType":"uint64","name":"size","type":"uint64"},{"indexed":false,"internalType":"bytes32","name":"root","type":"bytes32"}],"name":"Anchored","type":"event"},{"anonymous":false,"inputs":[{"indexed":true,"internalType":"bytes32","name":"originHash","type":"bytes32"},{"indexed":true,"internalType":"address","name":"anchorer","type":"address"},{"indexed":false,"internalType":"string","name":"origin","type":"string"}],"name":"Registered","type":"event"},{"inputs":[{"internalType":"bytes32","name":"originHash","type":"bytes32"},{"internalType":"uint64","name":"size","type":"uint64"},{"internalType":"bytes32","name":"root","type":"bytes32"}],"name":"anchor","outputs":[],"stateMutability":"nonpayable","type":"function"},{"inputs":[{"internalType":"bytes32","name":"","type":"bytes32"},{"internalType":"address","name":"","type":"address"}],"name":"heads","outputs":[{"internalType":"uint64","name":"size","type":"uint64"},{"internalType":"bool","name":"registered","type":"bool"},{"internalType":"bytes32","name":"root","type":"bytes32"}],"stateMutability":"view","type":"function"},{"inputs":[{"internalType":"string","name":"origin","type":"string"}],"name":"register","outputs":[],"stateMutability":"nonpayable","type":"function"}] as const;

/** Code that creates the anchor contract. */
// biome-ignore format: generated
export const ANCHOR_CREATION_CODE = `0x${[
  '6080604052348015600f57600080fd5b506104a58061001f6000396000f3fe608060405234801561001057600080fd5b',
  '50600436106100415760003560e01c806370c127c614610046578063b77819b81461005b578063f2c298be146100d057',
  '5b600080fd5b610059610054366004610346565b6100e3565b005b6100a661006936600461038b565b60006020818152',
  '928152604080822090935290815220805460019091015467ffffffffffffffff82169168010000000000000000900460',
  'ff169083565b6040805167ffffffffffffffff909416845291151560208401529082015260600160405180910390f35b',
  '6100596100de3660046103d4565b61021b565b6000838152602081815260408083203384529091529020805468010000',
  '000000000000900460ff16610141576040517faba4733900000000000000000000000000000000000000000000000000',
  '000000815260040160405180910390fd5b805467ffffffffffffffff9081169084161161019c5780546040517fbaf6ba',
  'f700000000000000000000000000000000000000000000000000000000815267ffffffffffffffff9091166004820152',
  '60240160405180910390fd5b80547fffffffffffffffffffffffffffffffffffffffffffffffff000000000000000016',
  '67ffffffffffffffff84169081178255600182018390556040805191825260208201849052339186917f969e3a440e8d',
  '07c3b6d58e32cc30d7f6360260b7c6a5ea49345e77217e2cb4c891015b60405180910390a350505050565b8015806102',
  '29575061010081115b15610260576040517f492081a00000000000000000000000000000000000000000000000000000',
  '0000815260040160405180910390fd5b60008282604051610272929190610448565b6040805191829003909120600081',
  '8152602081815283822033835290529190912080549192509068010000000000000000900460ff16156102df57604051',
  '7f3a81d6fc00000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b80',
  '547fffffffffffffffffffffffffffffffffffffffffffffff00ffffffffffffffff1668010000000000000000178155',
  '604051339083907f663d34a86c6277aafbd5c6912c96cc5df091e6702ea3ea91b8f378adcbd8a5e59061020d90889088',
  '90610458565b60008060006060848603121561035b57600080fd5b83359250602084013567ffffffffffffffff811681',
  '1461037a57600080fd5b929592945050506040919091013590565b6000806040838503121561039e57600080fd5b8235',
  '9150602083013573ffffffffffffffffffffffffffffffffffffffff811681146103c957600080fd5b80915050925092',
  '9050565b600080602083850312156103e757600080fd5b823567ffffffffffffffff8111156103fe57600080fd5b8301',
  '601f8101851361040f57600080fd5b803567ffffffffffffffff81111561042657600080fd5b85602082840101111561',
  '043857600080fd5b6020919091019590945092505050565b8183823760009101908152919050565b6020815281602082',
  '0152818360408301376000818301604090810191909152601f9092017fffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffe016010191905056',
].join('')}` as const;
