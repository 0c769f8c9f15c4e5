"""What the hub thinks of CDRs: audited one by one, judged by the policy of each pair of CPO and eMSP."""
