using System.Net;
using System.Text;
using MeshLite.Kubernetes.Http;

namespace MeshLite.Kubernetes.Tests.Http;

public class StatusReaderTests
{
    private static readonly ApiCall Call = new("replace", ResourceTypes.Leases, "meshlite-system", "leader") { PathAndQuery = "" };

    [Theory]
    [InlineData(409, "AlreadyExists", KubernetesReason.AlreadyExists)]
    [InlineData(409, "Conflict", KubernetesReason.Conflict)]
    [InlineData(409, null, KubernetesReason.Conflict)]
    [InlineData(410, "Gone", KubernetesReason.Expired)]
    [InlineData(410, "Expired", KubernetesReason.Expired)]
    [InlineData(500, "ServerTimeout", KubernetesReason.Timeout)]
    [InlineData(504, "Timeout", KubernetesReason.Timeout)]
    [InlineData(503, null, KubernetesReason.ServerError)]
    [InlineData(502, null, KubernetesReason.ServerError)]
    [InlineData(403, "Forbidden", KubernetesReason.Forbidden)]
    [InlineData(418, "Teapot", KubernetesReason.Other)]
    public void ToException_Reason_ComesFromTheStatusThenTheCode(int code, string? reason, KubernetesReason expected)
    {
        var error = Read(code, reason is null ? "{}" : $$"""{"reason": "{{reason}}", "message": "so it is"}""");

        error.Reason.ShouldBe(expected);
        error.StatusCode.ShouldBe((HttpStatusCode)code);
    }

    [Fact]
    public void ToException_Message_NamesVerbAndObject() =>
        Read(409, """{"reason": "Conflict", "message": "it was modified"}""").Message.ShouldBe("cannot replace leases.coordination.k8s.io meshlite-system/leader: it was modified (409)");

    [Fact]
    public void ToException_TextOfAProxy_IsQuotedAndCut()
    {
        var error = Read(502, "<html>" + new string('x', 1000));

        error.Message.ShouldContain("<html>xxx");
        error.Message.Length.ShouldBeLessThan(400);
    }

    [Fact]
    public void ToException_RetryAfterInTheDetails_IsHanded() =>
        Read(429, """{"reason": "TooManyRequests", "details": {"retryAfterSeconds": 7}}""").RetryAfter.ShouldBe(TimeSpan.FromSeconds(7));

    [Fact]
    public void ToException_RetryAfterHeader_Wins()
    {
        using var response = new HttpResponseMessage(HttpStatusCode.TooManyRequests) { Headers = { RetryAfter = new(TimeSpan.FromSeconds(3)) } };

        StatusReader.ToException(Call, response, """{"details": {"retryAfterSeconds": 7}}"""u8.ToArray()).RetryAfter.ShouldBe(TimeSpan.FromSeconds(3));
    }

    [Fact]
    public void ToException_Causes_SayWhichFields()
    {
        var error = Read(422, """{"reason": "Invalid", "details": {"causes": [{"reason": "FieldValueRequired", "message": "Required value", "field": "spec.rules"}]}}""");

        error.Causes.ShouldHaveSingleItem().Field.ShouldBe("spec.rules");
    }

    private static KubernetesException Read(int code, string body)
    {
        using var response = new HttpResponseMessage((HttpStatusCode)code);
        return StatusReader.ToException(Call, response, Encoding.UTF8.GetBytes(body));
    }
}
