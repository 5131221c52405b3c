using System.Net;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Pipeline;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace MeshLite.Sidecar.Tests.Forwarding;

public sealed class MessageHeadersTests
{
    [Theory]
    [InlineData("Connection", "close")]
    [InlineData("Keep-Alive", "timeout=5")]
    [InlineData("Proxy-Connection", "keep-alive")]
    [InlineData("Proxy-Authorization", "Basic eDp5")]
    [InlineData("Transfer-Encoding", "chunked")]
    [InlineData("transfer-encoding", "chunked")]
    [InlineData("Upgrade", "h2c")]
    [InlineData("HTTP2-Settings", "AAMAAABkAAQAAP__")]
    [InlineData("TE", "gzip")]
    [InlineData("Host", "orders")]
    [InlineData(":path", "/")]
    [InlineData("meshlite-client-id", "spiffe://cluster.local/ns/x/sa/y")]
    [InlineData("MeshLite-Source", "x")]
    [InlineData("meshlite-protocol", "2")]
    [InlineData("meshlite-undelivered", "1")]
    [InlineData("meshlite-error", "denied")]
    [InlineData("meshlite-timeout", "1S")]
    [InlineData("meshlite-not-invented-yet", "1")]
    [InlineData("meshlite_client_id", "spiffe://cluster.local/ns/x/sa/y")]
    [InlineData("MESHLITE_CLIENT-ID", "spiffe://cluster.local/ns/x/sa/y")]
    public void CopyRequest_FieldOfTheHopOrTheMesh_IsNotCopied(string name, string value) =>
        Copy((name, value)).ShouldBeEmpty();

    [Theory]
    [InlineData("X-Meshlite-Client-Id", "a")]
    [InlineData("meshlite", "a")]
    [InlineData("meshlites-own", "a")]
    [InlineData("Content-Type", "text/plain")]
    [InlineData("Expires", "0")]
    [InlineData("Cookie", "a=1; b=2")]
    [InlineData("X-Name", "caf\u00e9")]
    [InlineData("X-Empty", "")]
    [InlineData("grpc-timeout", "1S")]
    public void CopyRequest_AnyOtherField_IsCopiedAsItIs(string name, string value) =>
        Copy((name, value)).ShouldBe([$"{name}: {value}"]);

    [Theory]
    [InlineData("X(Y)")]
    [InlineData("X Y")]
    [InlineData("X:Y")]
    [InlineData("\"X\"")]
    public void CopyRequest_NameThatIsNoToken_IsRefused(string name) => Should.Throw<FormatException>(() => Copy((name, "a")));

    [Theory]
    [InlineData("X-A", "X-A")]
    [InlineData("close, X-A", "x-a")]
    [InlineData("  ,,x-a , x-b", "X-A")]
    public void CopyRequest_FieldNamedByConnection_IsRemoved(string connection, string name) =>
        Copy(("Connection", connection), (name, "1"), ("X-Other", "2")).ShouldBe(["X-Other: 2"]);

    [Theory]
    [InlineData("trailers")]
    [InlineData("gzip, trailers")]
    [InlineData("Trailers")]
    public void CopyRequest_TeTrailers_IsSaidAnew(string te) => Copy(("TE", te)).ShouldBe(["TE: trailers"]);

    [Fact]
    public void CopyRequest_RepeatedField_KeepsEachValue()
    {
        using var request = new HttpRequestMessage();
        var from = new HeaderDictionary { ["X-A"] = new StringValues(["1", "2, 3"]) };

        MessageHeaders.CopyRequest(from, request);

        request.Headers.NonValidated["X-A"].ShouldBe(["1", "2, 3"]);
    }

    [Theory]
    [InlineData("meshlite-error", true, true)]
    [InlineData("Meshlite-Error", true, true)]
    [InlineData("meshlite-error", false, false)]
    [InlineData("meshlite-undelivered", true, false)]
    [InlineData("meshlite-undelivered", false, false)]
    [InlineData("meshlite-client-id", true, false)]
    [InlineData("meshlite_error", true, false)]
    [InlineData("X-App", false, true)]
    [InlineData("Connection", true, false)]
    [InlineData("Transfer-Encoding", true, false)]
    public void CopyResponse_MeshHeaders_PassOnlyAsAVerifiedSidecarsError(string name, bool fromSidecar, bool passes)
    {
        using var response = new HttpResponseMessage(HttpStatusCode.OK);
        response.Headers.TryAddWithoutValidation(name, "x");
        var to = new HeaderDictionary();

        MessageHeaders.CopyResponse(response.Headers, to, StringValues.Empty, fromSidecar);

        to.ContainsKey(name).ShouldBe(passes);
    }

    [Fact]
    public void CopyResponse_NamedByConnection_IsRemoved()
    {
        using var response = new HttpResponseMessage(HttpStatusCode.OK);
        response.Headers.TryAddWithoutValidation("X-Hop", "1");
        response.Headers.TryAddWithoutValidation("X-End", "2");
        var to = new HeaderDictionary();

        MessageHeaders.CopyResponse(response.Headers, to, "close, x-hop", keepMeshError: false);

        to.Keys.ShouldBe(["X-End"]);
    }

    [Fact]
    public void IsMeshHeader_AllOfOurs_AreOurs()
    {
        foreach (var name in (string[])[MeshHeaders.Error, MeshHeaders.Undelivered, MeshHeaders.ClientId, MeshHeaders.Protocol, MeshHeaders.Source, MeshHeaders.Timeout])
        {
            MeshHeaders.IsMeshHeader(name).ShouldBeTrue(name);
            MeshHeaders.IsMeshHeader(name.ToUpperInvariant()).ShouldBeTrue(name);
        }
    }

    private static List<string> Copy(params (string Name, string Value)[] fields)
    {
        using var request = new HttpRequestMessage();
        var from = new HeaderDictionary();
        foreach (var (name, value) in fields)
        {
            from[name] = value;
        }

        MessageHeaders.CopyRequest(from, request);
        var copied = request.Headers.NonValidated.Select(h => $"{h.Key}: {h.Value}").ToList();
        copied.AddRange(request.Content?.Headers.NonValidated.Select(h => $"{h.Key}: {h.Value}") ?? []);
        return copied;
    }
}
