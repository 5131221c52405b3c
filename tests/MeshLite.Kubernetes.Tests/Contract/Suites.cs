namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>One fake for all suites of it.</summary>
[CollectionDefinition(Name)]
public sealed class FakeServer : ICollectionFixture<FakeContractServer>
{
    public const string Name = "fake";
}

/// <summary>One real server for all suites of it: it takes seconds to start.</summary>
[CollectionDefinition(Name)]
public sealed class RealServer : ICollectionFixture<RealContractServer>
{
    public const string Name = "real";
}

[Collection(FakeServer.Name)]
public sealed class FakeWriteTests(FakeContractServer server) : WriteContract(server);

[Collection(RealServer.Name)]
public sealed class RealWriteTests(RealContractServer server) : WriteContract(server);

[Collection(FakeServer.Name)]
public sealed class FakeReadTests(FakeContractServer server) : ReadContract(server);

[Collection(RealServer.Name)]
public sealed class RealReadTests(RealContractServer server) : ReadContract(server);

[Collection(FakeServer.Name)]
public sealed class FakeApplyTests(FakeContractServer server) : ApplyContract(server);

[Collection(RealServer.Name)]
public sealed class RealApplyTests(RealContractServer server) : ApplyContract(server);

[Collection(FakeServer.Name)]
public sealed class FakeWatchTests(FakeContractServer server) : WatchContract(server);

[Collection(RealServer.Name)]
public sealed class RealWatchTests(RealContractServer server) : WatchContract(server);

[Collection(FakeServer.Name)]
public sealed class FakeIdentityTests(FakeContractServer server) : IdentityContract(server);

[Collection(RealServer.Name)]
public sealed class RealIdentityTests(RealContractServer server) : IdentityContract(server);

[Collection(FakeServer.Name)]
public sealed class FakeAdmissionTests(FakeContractServer server) : AdmissionContract(server);

[Collection(RealServer.Name)]
public sealed class RealAdmissionTests(RealContractServer server) : AdmissionContract(server);

[Collection(FakeServer.Name)]
public sealed class FakeLoopTests(FakeContractServer server) : LoopContract(server);

[Collection(RealServer.Name)]
public sealed class RealLoopTests(RealContractServer server) : LoopContract(server);
