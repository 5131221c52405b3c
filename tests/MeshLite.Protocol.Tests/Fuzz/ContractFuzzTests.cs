using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using MeshLite.TestKit.Fuzz;

namespace MeshLite.Protocol.Tests.Fuzz;

/// <summary>What reads what the other program sent, and the credentials of whoever wants to be somebody.</summary>
public sealed class ContractFuzzTests : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => _key.Dispose();

    [Fact]
    public void GrpcFrameReader_AnyBytes_AreMessagesOrAStatus() => new Fuzzer("frames", "\0\0\0\0\0", "\x01", "\0\0\0\0\x04") { AllocationPerByte = 4_000 }.Run((byte[] bytes) =>
    {
        List<Update> messages = [];
        try
        {
            messages.AddRange(ReadAll(bytes));
        }
        catch (GrpcException)
        {
            // The documented one.
        }

        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var writer = new GrpcFrameWriter(pipe.Writer);
        messages.ForEach(writer.Write);
        pipe.Writer.Complete();
        using var written = new MemoryStream();
        pipe.Reader.CopyToAsync(written).IsCompletedSuccessfully.ShouldBeTrue();
        ReadAll(written.ToArray()).ShouldBe(messages);
    });

    [Fact]
    public void MeshMapper_AnyMessage_IsConfigurationOrAFieldIsNamed() => new Fuzzer("updates") { AllocationPerByte = 20_000 }.Run((byte[] bytes) =>
    {
        Update update;
        try
        {
            update = Update.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return;
        }

        foreach (var resource in update.Resources)
        {
            Again(resource.Mesh, mesh => MeshMapper.ToProto(MeshMapper.FromProto(mesh)));
            Again(resource.Workload, workload => MeshMapper.ToProto(MeshMapper.FromProto(workload)));
            Again(resource.Destination, destination => MeshMapper.ToProto(MeshMapper.FromProto("orders", destination)));
            Again(resource.Endpoints, endpoints => MeshMapper.ToProto(MeshMapper.FromProto(new Model.ServiceRef("shop", "orders", 80), endpoints)));
        }
    });

    [Fact]
    public void GrpcTimeout_AnyValue_IsNeverShortened() => new Fuzzer("timeouts", "n", "u", "m", "S", "M", "H").Run(text =>
    {
        if (GrpcTimeout.TryParse(text, out var timeout))
        {
            GrpcTimeout.TryParse(GrpcTimeout.Format(timeout), out var again).ShouldBeTrue();
            again.ShouldBeGreaterThanOrEqualTo(timeout);
        }
    });

    [Fact]
    public void GatewayDuration_AnyText_IsWrittenAgain() => new Fuzzer("durations", "h", "m", "s", "ms", "99999", "-").Run(text =>
    {
        if (GatewayDuration.TryParse(text, out var duration) && duration < TimeSpan.FromHours(100_000))
        {
            GatewayDuration.TryParse(GatewayDuration.Format(duration), out var again).ShouldBeTrue();
            again.ShouldBe(duration);
        }
    });

    [Fact]
    public void GrpcStatusText_AnyText_IsPrintableAndReadAgain() => new Fuzzer("status", "%", "%2", "%25", "ü", "\n").Run(text =>
    {
        GrpcStatusText.Encode(text).ShouldAllBe(c => c >= ' ' && c <= '~');
        GrpcStatusText.Decode(GrpcStatusText.Encode(text)).ShouldBe(text);
        _ = GrpcStatusText.Decode(text);
        _ = GrpcMetadata.DecodeBytes(text);
    });

    [Fact]
    public void SpiffeId_AnyText_IsWrittenAgain() => new Fuzzer("spiffe", "spiffe://", "/ns/", "/sa/", "/", ".", "..", "%2f").Run(text =>
    {
        if (SpiffeId.TryParse(text, out var id))
        {
            id.ToString().ShouldBe(text);
        }
    });

    /// <summary>Header and payload, signed with the right key: what follows the signature is reached too.</summary>
    [Fact]
    public void JoinToken_AnyHeaderAndClaims_IsSomebodyOrNobody() => new Fuzzer("join-token", "\"", "{", "}", ":", ",", "\\ud800", "\"\\ud800\"", "[", "null", "1e999", "\n") { Iterations = 1_500 }.Run(text =>
    {
        var lines = text.Split('\n', 2);
        var signed = $"{Base64(lines[0])}.{Base64(lines[^1])}";
        var signature = _key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

        foreach (var token in (string[])[$"{signed}.{System.Buffers.Text.Base64Url.EncodeToString(signature)}", text])
        {
            var result = JoinToken.Verify(_key, token, TimeProvider.System);
            (result.Failure == JoinTokenFailure.None).ShouldBe(result.Namespace is not null);
        }
    });

    [Fact]
    public void TrustBundle_AnyPem_IsRootsOrACryptographicException() => new Fuzzer("pem", "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "=", "\n") { Iterations = 800 }.Run(text =>
    {
        try
        {
            TrustBundle.FromPem(TrustBundle.FromPem(text).ToPem()).Roots.Length.ShouldBeGreaterThan(0);
        }
        catch (CryptographicException)
        {
            // The documented one.
        }
    });

    /// <summary>DER of a subjectAltName, as a certificate of anybody may hold it: a URI that is there, in strict DER, or none.</summary>
    [Fact]
    public void SubjectNames_AnyDer_IsTheOneUriOrNone() => new Fuzzer("san", "\x86", "\x82", "\x30", "\x30\x80", "spiffe://") { Iterations = 2_000 }.Run((byte[] der) =>
    {
        if (SubjectNames.TryReadUri(der, out var uri))
        {
            der.AsSpan().IndexOf(Encoding.ASCII.GetBytes(uri.ShouldNotBeNull())).ShouldBeGreaterThanOrEqualTo(0);
            _ = SpiffeId.TryParse(uri, out _);
        }
    });

    /// <summary>A difference of any sort gives a set in order, in which nobody removed is left but who comes anew.</summary>
    [Fact]
    public void EndpointDeltas_AnyDelta_GivesASet() => new Fuzzer("deltas") { AllocationPerByte = 4_000 }.Run((byte[] bytes) =>
    {
        EndpointsDelta delta;
        try
        {
            delta = EndpointsDelta.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return;
        }

        var from = new Endpoints { Endpoints_ = { new Endpoint { Address = "10.0.0.1", Port = 80 }, new Endpoint { Address = "10.0.0.2", Port = 80 } } };
        var keys = EndpointDeltas.Apply(from, delta).Endpoints_.Select(EndpointDeltas.KeyOf).ToList();
        var upserted = delta.Upserted.Select(EndpointDeltas.KeyOf).ToHashSet();
        keys.ToHashSet().SetEquals(from.Endpoints_.Select(EndpointDeltas.KeyOf).Except(delta.Removed).Union(upserted)).ShouldBeTrue();
        keys.Count.ShouldBe(keys.Distinct().Count());
    });

    private static string Base64(string text) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    private static List<Update> ReadAll(byte[] bytes)
    {
        var reader = new GrpcFrameReader(PipeReader.Create(new System.Buffers.ReadOnlySequence<byte>(bytes)), 16 * 1024, null, GrpcStatusCode.Unimplemented);
        var messages = new List<Update>();
        while (true)
        {
            // Of what is in memory nothing has to be waited for.
            var read = reader.ReadAsync(Update.Parser, CancellationToken.None);
            read.IsCompleted.ShouldBeTrue();
            if (read.GetAwaiter().GetResult() is not { } message)
            {
                return messages;
            }

            messages.Add(message);
        }
    }

    private static void Again<T>(T? message, Func<T, T> throughTheModel)
        where T : class, IMessage<T>
    {
        if (message is null)
        {
            return;
        }

        T once;
        try
        {
            once = throughTheModel(message);
        }
        catch (FormatException)
        {
            return;
        }

        throughTheModel(once).ShouldBe(once);
    }
}
