using MeshLite.Model;
using MeshLite.Sidecar.Authorization;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Tests.Authorization;

public sealed class AuthorizationAllocationTests
{
    [Fact]
    public void Decide_ByEveryPart_AllocatesNothing()
    {
        var model = AuthorizationModelTests.Model(
            AuthorizationModelTests.Policy("d", AuthorizationAction.Deny, new AuthorizationRuleConfig { Paths = ["/admin/*", "*.php"] }),
            AuthorizationModelTests.Policy("a", AuthorizationAction.Allow, new AuthorizationRuleConfig
            {
                Principals = ["spiffe://cluster.local/ns/shop/*"], Namespaces = ["other", "shop"], Ports = [80, 8080], Methods = ["GET"], Paths = ["/items/*"],
            }));
        bool Decide()
        {
            var target = PathNormalizer.Normalize("/items/1?x=%2e");
            return model.Decide(new Call
            {
                Principal = "spiffe://cluster.local/ns/shop/sa/web", Namespace = "shop", Port = 8080, Method = "GET", Path = target.Path, PathInDoubt = PathDoubt.Has(in target),
            }).Allowed;
        }

        Decide().ShouldBeTrue();
        Allocations.Of(() => Decide()).ShouldBe(0);
    }
}
